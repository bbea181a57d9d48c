"""How large a value can be, as far as the cost of an expression goes."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Size:
    """Upper bounds: entries of a list or map, all values in it at any depth, characters in it at any depth.

    `is_list` is known only of what an expression makes itself; anything else may be a text as well.
    """

    entries: float
    nodes: float
    text: float
    is_list: bool = False

    def part(self, count: float) -> "Size":
        """Return the size of one of so many equal parts; fewer, larger parts are tried separately."""
        nodes, text = max(1.0, self.nodes / count), self.text / count
        return Size(min(self.entries, nodes), nodes, text)

    def with_more(self, other: "Size", times: float = 1) -> "Size":
        """Return the size of this and so many times another, as a list of both."""
        return Size(
            self.entries + times * other.entries,
            self.nodes + times * other.nodes,
            self.text + times * other.text,
            self.is_list or other.is_list,
        )

    def without(self, other: "Size") -> "Size":
        """Return by how much this is larger."""
        return replace(
            self,
            entries=max(0.0, self.entries - other.entries),
            nodes=max(0.0, self.nodes - other.nodes),
            text=max(0.0, self.text - other.text),
        )

    def at_least(self, other: "Size") -> "Size":
        """Return what holds either of the two."""
        return Size(
            max(self.entries, other.entries),
            max(self.nodes, other.nodes),
            max(self.text, other.text),
            self.is_list and other.is_list,
        )


SCALAR = Size(0, 1, 16)
"""A bool, number, time, or type."""
