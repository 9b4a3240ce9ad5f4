package mutants

import (
	_ "embed"
	"fmt"
	"strings"
)

// equivalentText records drawn mutants that change no answer. Each has four lines: mutant FOLDER FUNCTION OPERATOR,
// old TEXT, new TEXT, survives REASON. If the function has the texts twice, FUNCTION#2 is the second one.
//
//go:embed equivalent.txt
var equivalentText string

// A record is a drawn mutant that no test can notice.
type record struct{ folder, function, operator, old, changed, reason string }

// key returns a text that identifies a mutant even after its lines have moved.
func key(parts ...string) string { return strings.Join(parts, "\n") }

func (d Drawn) key() string { return key(d.Folder, d.Function, d.Operator, d.Old, d.New) }

// records parses equivalent.txt. A malformed line is an error.
func records(text string) (all []record, err error) {
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if paragraph == "" || strings.HasPrefix(paragraph, "#") {
			continue
		}
		var r record
		for i, l := range strings.Split(paragraph, "\n") {
			word, value, _ := strings.Cut(l, " ")
			switch {
			case i == 0 && word == "mutant":
				if parts := strings.SplitN(value, " ", 3); len(parts) == 3 {
					r.folder, r.function, r.operator = parts[0], parts[1], parts[2]
				}
			case i == 1 && word == "old":
				r.old = value
			case i == 2 && word == "new":
				r.changed = value
			case i == 3 && word == "survives":
				r.reason = value
			default:
				return nil, fmt.Errorf("equivalent.txt: %q: want mutant, old, new and survives, in this order", l)
			}
		}
		if r.operator == "" || r.old == "" || r.reason == "" {
			return nil, fmt.Errorf("equivalent.txt: a line is missing in %q", paragraph)
		}
		all = append(all, r)
	}
	return all, nil
}

// equivalents returns the reasons of the recorded mutants by their keys.
func equivalents() (map[string]string, error) {
	all, err := records(equivalentText)
	reasons := map[string]string{}
	for _, r := range all {
		reasons[key(r.folder, r.function, r.operator, r.old, r.changed)] = r.reason
	}
	return reasons, err
}
