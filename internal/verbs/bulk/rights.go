package bulk

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/winnt"
)

// Right is something to ask for: a word whose meaning depends on the type of
// object, or a mask.
type Right struct {
	Name string           // as the user wrote it
	mask winnt.AccessMask // of a right that is no word
	word int              // index into words, -1 for a mask
}

// words are the rights that mean something on every type.
var words = [...]string{"read", "write", "modify", "full", "list"}

// WordRights are the words, in the order they are listed.
const WordRights = "read, write, modify, full, list"

// wordMask is a word on a type of object. On files these are the five that
// file managers offer: modify is reading, writing, executing and deleting, and
// list is what "list folder contents" grants.
func wordMask(word int, t *winnt.ObjectType) winnt.AccessMask {
	m := &t.Mapping
	switch words[word] {
	case "read":
		return m.Read
	case "write":
		return m.Write
	case "modify":
		return m.Read | m.Write | m.Execute | winnt.DELETE
	case "full":
		return m.All
	}
	return m.Read | m.Execute // list
}

// ParseRights reads rights joined by "+": each a word, or what [sddl.ParseRights]
// reads. Each is a question of its own.
func ParseRights(text string) ([]Right, error) {
	var out []Right
	for _, part := range strings.Split(text, "+") {
		r := Right{Name: part, word: -1}
		for i, w := range words {
			if strings.EqualFold(w, part) {
				r.Name, r.word = w, i
			}
		}
		if r.word < 0 {
			m, err := sddl.ParseRights(part)
			if err != nil {
				return nil, fmt.Errorf("%w; the words are %s", err, WordRights)
			}
			if m == 0 {
				return nil, fmt.Errorf("rights %q: nothing is asked for", part)
			}
			r.mask = m
		}
		out = append(out, r)
	}
	return out, nil
}

// Mask is the right on a type of object, generic bits not yet mapped.
func (r Right) Mask(t *winnt.ObjectType) winnt.AccessMask {
	if r.word >= 0 {
		return wordMask(r.word, t)
	}
	return r.mask
}

// Words are the words whose every bit is in a mask.
func Words(granted winnt.AccessMask, t *winnt.ObjectType) []string {
	var out []string
	for i, w := range words {
		if m := wordMask(i, t); m != 0 && granted&m == m {
			out = append(out, w)
		}
	}
	return out
}
