from pathlib import Path
import sys


def main():
    from bridge_server.app import serve
    from bridge_server.config import load_config

    serve(load_config({"data_dir": sys.argv[3]}))
