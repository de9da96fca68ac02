"""What differs between two masked answers."""


def differences(here, there, path=""):
    """Paths, each with what is here and what is there; lists are compared element by element, in order."""
    if isinstance(here, dict) and isinstance(there, dict):
        found = []
        for key in sorted(here.keys() | there.keys()):
            inner = f"{path}.{key}" if path else key
            found += differences(here.get(key), there.get(key), inner)
        return found
    if isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        pairs = zip(sorted_tags(here), sorted_tags(there), strict=True)
        return [found for pair in pairs for found in differences(*pair, f"{path}[]")]
    return [] if here == there else [(path, here, there)]


def sorted_tags(elements):
    """Tags have no order in AWS; everything else is compared as it comes."""
    are_tags = all(isinstance(element, dict) and "Key" in element for element in elements)
    return sorted(elements, key=lambda tag: tag["Key"]) if are_tags else elements
