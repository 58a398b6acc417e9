def lint():
    pass


class Finding:
    pass
