package adreport

import (
	"bufio"
	"fmt"
	"io"
	"strings"

	"github.com/refmon/refmon/internal/printable"
)

// Rows of the text page. The HTML page has all of them.
const (
	textRoutes  = 20
	textEntries = 40
	textSamples = 3
	textNames   = 6
)

// textPage writes lines that are wrapped between words.
type textPage struct {
	out   *bufio.Writer
	width int
}

// Text writes the page as text. It shortens long lists and says so. Lines have at most width columns, if no single word
// is longer; 0 is not a limit. It returns the first error of out.
func (p *Page) Text(out io.Writer, width int) error {
	t := &textPage{bufio.NewWriter(out), width}
	t.line("", p.Title)
	t.line("", fmt.Sprintf("%d objects, %d principals, %d of them administrators: %s", p.Objects, p.Principals,
		p.Administrators.Count, p.Administrators.text(textNames)))
	if p.Changes != nil {
		t.changes(p.Changes)
	}
	t.heading("Important objects")
	for i := range p.Important {
		t.target(&p.Important[i])
	}
	t.heading("Rights of others than administrators")
	t.grants("", p.Direct)
	t.heading("Rights of groups without members and of unknown accounts")
	t.grants("", p.Vacant)
	t.heading("Other entries")
	if len(p.Entries) == 0 {
		t.line("  ", "none")
	}
	t.entries("  ", p.Entries)
	t.heading("Not considered")
	for _, n := range p.Notes {
		t.line("  ", n)
	}
	return t.out.Flush()
}

// heading starts a section.
func (t *textPage) heading(text string) { t.out.WriteString("\n" + text + "\n") }

// line writes a line and wraps it. Continued lines are indented by four more columns. A width of 0 does not wrap. A
// longer word gets a line of its own.
func (t *textPage) line(indent, text string) {
	text = printable.Line(text)
	used, first := 0, true
	for word := range strings.SplitSeq(text, " ") {
		n := printable.Width(word)
		switch {
		case first:
			t.out.WriteString(indent + word)
			used, first = len(indent)+n, false
		case t.width > 0 && used+1+n > t.width:
			t.out.WriteString("\n" + indent + "    " + word)
			used = len(indent) + 4 + n
		default:
			t.out.WriteString(" " + word)
			used += 1 + n
		}
	}
	t.out.WriteByte('\n')
}

// target writes an important object. Paths beyond textRoutes are counted only.
func (t *textPage) target(x *Target) {
	t.line("", fmt.Sprintf("\u2022 %s: %s", x.Kind, x.Object))
	t.line("  ", fmt.Sprintf("reached by %d of %s, and by %s", x.Reach,
		plural(x.Others, "other"), plural(x.Administer, "administrator")))
	if len(x.Direct) > 0 {
		t.line("  ", "directly:")
		t.grants("  ", x.Direct)
	}
	ways := x.Ways()
	for i, r := range ways {
		if i == textRoutes {
			t.line("  ", fmt.Sprintf("and %d more paths, which the HTML page lists", len(ways)-i))
			break
		}
		t.line("  ", fmt.Sprintf("%s in %s", r.Who.text(textNames), steps(len(r.Steps))))
		t.steps("    ", r.Steps)
	}
	for _, d := range x.Detours() {
		names := Names{Count: d.Count}
		for _, r := range d.Routes {
			names.List = append(names.List, r.Who.List...)
		}
		t.line("  ", "through "+d.Through+": "+names.text(textNames))
	}
	if x.More > 0 {
		t.line("  ", fmt.Sprintf("and %d more who reach it", x.More))
	}
}

// steps returns a number of steps as text.
func steps(n int) string {
	return plural(n, "step")
}

// plural returns a number with its noun, such as "2 steps". The plural is many[0], or else one with an s.
func plural(n int, one string, many ...string) string {
	switch {
	case n == 1:
		return "1 " + one
	case len(many) > 0:
		return fmt.Sprintf("%d %s", n, many[0])
	}
	return fmt.Sprintf("%d %ss", n, one)
}

// steps writes the steps of a path.
func (t *textPage) steps(indent string, list []Step) {
	for i, s := range list {
		text := fmt.Sprintf("%d. %s: %s on %s, by %s", i+1, s.Who, s.Right, s.Object, s.By)
		if s.Gives != "" {
			text += "; then " + s.Gives
		}
		t.line(indent, text)
	}
}

// grants writes rows of rights. Without rows it writes "none".
func (t *textPage) grants(indent string, list []Grants) {
	if len(list) == 0 {
		t.line(indent+"  ", "none")
	}
	for _, g := range list {
		t.line(indent+"  ", fmt.Sprintf("%s: %s through %s on %s", g.Who.text(textNames), strings.Join(g.Rights, ", "), g.Via,
			g.Objects.objects()))
	}
}

// entries writes rows of other entries. After textEntries rows it says how many more there are.
func (t *textPage) entries(indent string, list []EntryRow) {
	for i, e := range list {
		if i == textEntries {
			t.line(indent, fmt.Sprintf("and %d more kinds of entries, which the HTML page lists", len(list)-i))
			break
		}
		text := fmt.Sprintf("%s: %s %s, on ", e.Account, e.Kind, e.Rights)
		switch {
		case e.Objects == 1:
			text += e.Sample
		case e.Important > 0:
			text += fmt.Sprintf("%d objects, %d of them important, such as %s", e.Objects, e.Important, e.Sample)
		default:
			text += fmt.Sprintf("%d objects, such as %s", e.Objects, e.Sample)
		}
		t.line(indent, text)
	}
}

// changes writes what changed, in a fixed order, and "none" if nothing did. Empty parts have no heading.
func (t *textPage) changes(c *Changes) {
	t.heading("Changes since the baseline")
	if c.None() {
		t.line("  ", "none")
		return
	}
	if c.Became.Count > 0 {
		t.line("  ", "became administrators: "+c.Became.text(maxNames))
	}
	if c.Ceased.Count > 0 {
		t.line("  ", "are no longer administrators: "+c.Ceased.text(maxNames))
	}
	for _, part := range []struct {
		name string
		rows []Grants
	}{{"gained:", c.Gained}, {"lost:", c.Lost},
		{"gained by groups without members and unknown accounts:", c.VacantGained},
		{"lost by groups without members and unknown accounts:", c.VacantLost}} {
		if len(part.rows) > 0 {
			t.line("  ", part.name)
			t.grants("  ", part.rows)
		}
	}
	t.paths("new path", "shorter path", c.Opened)
	t.paths("closed path", "longer path now, before", c.Closed)
	for _, part := range []struct {
		name string
		rows []EntryRow
	}{{"new entries that give none of these rights:", c.EntriesAdded},
		{"removed entries that gave none of these rights:", c.EntriesRemoved}} {
		if len(part.rows) > 0 {
			t.line("  ", part.name)
			t.entries("    ", part.rows)
		}
	}
	t.differences(c)
	for _, o := range c.Objects {
		t.line("  ", o)
	}
}

// paths writes the changed paths. one labels a path that only one of the two states has, other a path that both have
// with different lengths.
func (t *textPage) paths(one, other string, list []Change) {
	own, rest := divide(list)
	for _, x := range own {
		kind := one
		if x.Was > 0 {
			kind = other
		}
		t.line("  ", fmt.Sprintf("%s: %s to %s (%s) in %s", kind, x.Who, x.Object, x.Kind, steps(len(x.Steps))))
		t.steps("    ", x.Steps)
	}
	for _, x := range rest {
		t.line("  ", fmt.Sprintf("%s through %s: %s to %s: %s", one, x.Through, x.Who,
			plural(len(x.Objects), "important object"), strings.Join(x.Kinds, ", ")))
	}
}

// text lists the first most names for people, with the number of the remaining ones, and "nobody" without a name. The
// order is that of List.
func (n Names) text(most int) string {
	list := n.List[:min(most, len(n.List))]
	text := strings.Join(list, ", ")
	switch more := n.Count - len(list); {
	case n.Count == 0:
		return "nobody"
	case more > 0:
		return fmt.Sprintf("%s and %d more", text, more)
	}
	return text
}

// objects describes a list of objects in one line: the only name, or the number of objects and the first names,
// separated by semicolons. It names all important objects, and others up to textSamples.
func (n Names) objects() string {
	if n.Count == 1 {
		return n.List[0]
	}
	list := n.List[:max(n.Important, min(textSamples, len(n.List)))]
	text := fmt.Sprintf("%d objects", n.Count)
	if n.Important > 0 && n.Important < n.Count {
		text += fmt.Sprintf(", %d of them important", n.Important)
	}
	text += ": " + strings.Join(list, "; ")
	if more := n.Count - len(list); more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// differences writes the memberships and the parts of descriptors that differ.
func (t *textPage) differences(c *Changes) {
	for _, m := range c.Memberships {
		if m.Joined.Count > 0 {
			t.line("  ", "joined "+m.Group+": "+m.Joined.text(maxNames))
		}
		if m.Left.Count > 0 {
			t.line("  ", "left "+m.Group+": "+m.Left.text(maxNames))
		}
	}
	if len(c.Differences) > 0 {
		t.line("  ", "descriptors that differ:")
	}
	for _, d := range c.Differences {
		t.line("    ", d.Object+": "+d.Text+d.More())
	}
}
