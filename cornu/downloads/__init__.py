"""Files from the network: fetched once, whole and verified, kept in a folder, and unpacked without trust in what they hold."""

from cornu.downloads.cache import get_file

__all__ = ["get_file"]
