package main

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/adrights"
	"github.com/refmon/refmon/internal/cli/bulk"
	"github.com/refmon/refmon/internal/words"
	"github.com/refmon/refmon/sd"
)

// typesOf returns lines that name the object types of the entries in a DACL, for the end of an explanation. On a
// terminal it counts the entries without an effect on the request (U-122). It returns "" if no entry names one.
func (s *streams) typesOf(d *sd.Descriptor, x *access.Explanation) string {
	effect := map[int]bool{}
	for i := range x.Steps {
		if step := &x.Steps[i]; step.List == "DACL" && step.Bits != 0 {
			effect[step.ACE] = true
		}
	}
	var b strings.Builder
	others := 0
	for i, a := range d.DACL().All() {
		switch on := words.Entry(a); {
		case on == "":
		case s.width > 0 && !effect[i]:
			others++
		default:
			fmt.Fprintf(&b, "  DACL entry %d: %s\n", i+1, on)
		}
	}
	if others > 0 {
		fmt.Fprintf(&b, "  %s without an effect on this request\n", count(others, "entry", "entries"))
	}
	if b.Len() == 0 {
		return ""
	}
	return "\nentries for object types:\n" + b.String()
}

// noteUnreadable prints to standard error which attributes in some rights and object types nobody can read (B-55). Each
// text is a right such as RP:unicodePwd, several joined by "+", or the name of an object type.
func noteUnreadable(std *streams, texts []string) {
	for _, text := range texts {
		for part := range strings.SplitSeq(text, "+") {
			_, name, limited := strings.Cut(part, ":")
			if !limited {
				name = part
			}
			chain, err := words.Chain(name)
			if err != nil || !adrights.Secret(chain[len(chain)-1]) {
				continue
			}
			fmt.Fprintf(std.err, "refmon: nobody can read %s: a domain controller never returns it, whatever the descriptor "+
				"grants; to set a password the right is ResetPassword\n", inLine(name))
		}
	}
}

// noteTyped prints to standard error how many entries about its rights a question without object types ignores (B-4).
// It prints nothing for several queries, or for one about object types.
func noteTyped(std *streams, d *sd.Descriptor, queries []words.Query) {
	n := 0
	for _, q := range queries {
		n = bulk.TypedEntries(d, q.Desired)
		if len(queries) > 1 || q.Types != nil { // control, or a question about types
			return
		}
	}
	if n > 0 {
		fmt.Fprintf(std.err, "refmon: %s\n", typedText(n, ""))
	}
}

// typedText returns what entries about one object type each mean for a question about whole objects. on follows their
// number.
func typedText(entries int, on string) string {
	is, do := "entries%s are", "do"
	if entries == 1 {
		is, do = "entry%s is", "does"
	}
	return fmt.Sprintf("%d "+is+" about one object type only, such as an attribute, and %s not count for the whole "+
		"object: ask with --object-type, or for AddMember, WP:member and the like", entries, on, do)
}
