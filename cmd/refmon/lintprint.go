package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/refmon/refmon/internal/cli/lint"
	"github.com/refmon/refmon/sddl"
)

// print prints the findings of one descriptor as text or JSON, and counts them. name is its file, "" for an argument.
// Without findings it prints nothing. The error is that of the output, and the counts then stay.
func (p *lintPage) print(l lint.Line, name string, found []lint.Finding) error {
	p.found += len(found)
	for _, f := range found {
		p.kinds[f.Kind]++
		p.stored = p.stored || l.Path != "" && (f.Kind == lint.LogonSession || f.Kind == lint.StoredGeneric)
		if p.json {
			b, err := json.Marshal(struct {
				Line int    `json:"line,omitempty"`
				Path string `json:"path,omitempty"`
				lint.Finding
			}{l.Number, l.Path, f})
			if err != nil {
				return err
			}
			if _, err := fmt.Fprintf(p.std.out, "%s\n", b); err != nil {
				return err
			}
			continue
		}
		at := place(l, name)
		where := f.Where()
		if f.Entry != "" {
			where = strings.TrimSpace(where + " " + f.Entry + " " + p.nameIn(f.Entry))
			if f.On != "" {
				where += " " + f.On
			}
		}
		rule := ""
		if f.Rule != "" {
			rule = " (" + f.Rule + ")"
		}
		head := p.std.folded(inLine(at+where)+": "+f.Kind, 0)
		head = strings.TrimSuffix(head, f.Kind+"\n") + p.std.paint(red, f.Kind) + "\n"
		if _, err := fmt.Fprint(p.std.out, head, p.std.folded(printable(f.What)+rule, 4),
			p.std.folded("mend: "+printable(f.Mend), 4)); err != nil {
			return err
		}
	}
	return nil
}

// total prints the number of findings in readable lines, and of each kind if there are several. It also counts the
// lines that could not be read.
func (p *lintPage) total() error {
	text := fmt.Sprintf("%s in %s", count(p.found, "finding", "findings"), count(p.lines, "descriptor", "descriptors"))
	kinds := slices.SortedFunc(maps.Keys(p.kinds), func(a, b string) int {
		return cmp.Or(cmp.Compare(p.kinds[b], p.kinds[a]), cmp.Compare(a, b))
	})
	for i, kind := range kinds {
		if len(kinds) > 1 {
			text += fmt.Sprintf("%s %d %s", map[bool]string{true: ":", false: ","}[i == 0], p.kinds[kind], kind)
		}
	}
	if p.malformed > 0 {
		text += fmt.Sprintf("; %s could not be read", count(p.malformed, "line", "lines"))
	}
	_, err := fmt.Fprintln(p.std.out, text)
	return err
}

// corrected prints the descriptor of an argument as a file stores it, if a file cannot store it as it is (B-124). JSON
// output has no such line. A descriptor that cannot be parsed is an error.
func (p *lintPage) corrected(l lint.Line) error {
	d := l.Descriptor
	if d == nil {
		var err error
		if d, err = sddl.Parse(l.Text, sddl.Options{Domain: p.domain, Extended: true}); err != nil {
			return err
		}
	}
	if p.json || p.kinds[lint.LogonSession]+p.kinds[lint.StoredGeneric] == 0 {
		return nil
	}
	if text := lint.Corrected(d, p.domain); text != "" {
		_, err := fmt.Fprint(p.std.out, p.std.folded("corrected: "+text, 0))
		return err
	}
	return nil
}
