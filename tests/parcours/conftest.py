from tests.notifications.conftest import boite, smtp

__all__ = ["boite", "smtp"]
