"""Facts of other departments that the catalogue hears: none yet."""


class Worker:
    name = "catalogue"
