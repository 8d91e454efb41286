"""`python -m unicoro`: the same as the command `unicoro`."""

from unicoro._command import main

if __name__ == "__main__":
    main()
