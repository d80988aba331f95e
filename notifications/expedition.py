"""Le départ d'un envoi : le prendre à bail, l'envoyer hors de toute transaction, puis le tamponner."""


def expedier(envoi_id: int) -> bool:
    raise NotImplementedError


def a_relancer() -> list[int]:
    raise NotImplementedError
