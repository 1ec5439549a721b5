def read(path):
    raise ValueError("none")
def read_text(text):
    raise ValueError("none")
