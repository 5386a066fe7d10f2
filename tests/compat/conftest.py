"""The programs are run by the command, never imported."""

collect_ignore_glob = ["programs/*"]
