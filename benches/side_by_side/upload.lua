-- Each request brings 1 MB.
wrk.method = "POST"
wrk.body = string.rep("x", 1000000)
