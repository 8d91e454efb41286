"""nginx in front of a server, over a unix socket, with connections that are kept."""

import pathlib

from servers import Pinned

# One process, as the suite starts it: its workers would be another user's, who may not reach the socket.
CONFIG = """
daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    uwsgi_temp_path {directory}/uwsgi;
    fastcgi_temp_path {directory}/fastcgi;
    scgi_temp_path {directory}/scgi;
    upstream app {{
        server unix:{socket};
        keepalive 64;
        keepalive_requests 1000000;
    }}
    server {{
        listen {address} backlog=1024;
        keepalive_requests 1000000;
        location / {{
            {passed}
        }}
    }}
}}
"""
BY_HTTP = """
            proxy_pass http://app;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
"""
PARAMETERS = {
    "QUERY_STRING": "$query_string", "REQUEST_METHOD": "$request_method",
    "CONTENT_TYPE": "$content_type", "CONTENT_LENGTH": "$content_length",
    "REQUEST_URI": "$request_uri", "PATH_INFO": "$document_uri",
    "SERVER_PROTOCOL": "$server_protocol", "REMOTE_ADDR": "$remote_addr",
    "SERVER_PORT": "$server_port", "SERVER_NAME": "$server_name",
}
# The protocol knows no kept connections.
BY_UWSGI = "uwsgi_pass app;\n" + "".join(
    f"            uwsgi_param {name} {value};\n" for name, value in PARAMETERS.items())


class Nginx(Pinned):
    """Started in front of the server at `socket`."""

    def __init__(self, directory, socket, address, cores, by_uwsgi, log):
        config = CONFIG.format(directory=directory, socket=socket, address=address,
                               passed=BY_UWSGI if by_uwsgi else BY_HTTP)
        path = pathlib.Path(directory) / "nginx.conf"
        path.write_text(config)
        super().__init__(["nginx", "-p", directory, "-c", path], cores, log)
