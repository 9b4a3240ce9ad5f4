package script

import (
	"maps"
	"slices"
	"strings"

	"go.starlark.net/starlark"

	"github.com/refmon/refmon/internal/calltext"
)

// Complete returns the completions of the word at the end of before, sorted and without duplicates, and the offset at
// which the word starts. After a dot they are attributes. Inside a call of a service they include its parameters, with
// "=". Otherwise they are known names; an empty word has none. Outside a session Complete returns only built-in names
// and parameters.
func (r *Runner) Complete(before string) (from int, names []string) {
	from = len(before)
	for from > 0 && isWord(before[from-1]) {
		from--
	}
	word := before[from:]
	add := func(list []string, end string) {
		for _, name := range list {
			if strings.HasPrefix(name, word) {
				names = append(names, name+end)
			}
		}
	}
	switch {
	case from > 0 && before[from-1] == '.':
		add(r.members(before[:from-1]), "")
	case word != "": // without a word there would be too many names
		add(slices.Collect(maps.Keys(r.env)), "")
		add(slices.Collect(maps.Keys(starlark.Universe)), "")
		fallthrough
	default:
		add(parametersOf(before[:from]), "=")
	}
	slices.Sort(names)
	return from, slices.Compact(names)
}

// isWord reports whether a byte can be part of a name.
func isWord(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}

// members returns the attributes of the value that the dotted path at the end of a text refers to, nil if there is
// none. It calls no function of the program. An empty path gives nil.
func (r *Runner) members(text string) []string {
	from := len(text)
	for from > 0 && (isWord(text[from-1]) || text[from-1] == '.') {
		from--
	}
	path := strings.Split(text[from:], ".")
	v := r.env[path[0]]
	for _, name := range path[1:] {
		of, ok := v.(starlark.HasAttrs)
		if !ok {
			return nil
		}
		var err error
		if v, err = of.Attr(name); err != nil {
			return nil
		}
	}
	if of, ok := v.(starlark.HasAttrs); ok {
		return of.AttrNames()
	}
	return nil
}

// parametersOf returns the parameters of the service call in which a text ends. It returns nil if the text ends in no
// call, in a call of another function, or in a list within a call. Brackets within strings count as brackets.
func parametersOf(text string) []string {
	depth := 0
	for i := len(text) - 1; i >= 0; i-- {
		switch text[i] {
		case ')', ']', '}':
			depth++
		case '(', '[', '{':
			if depth--; depth >= 0 {
				continue
			}
			from := i
			for from > 0 && isWord(text[from-1]) {
				from--
			}
			// Inside a list, even one within a call, no parameter names are offered.
			if row, err := Find(text[from:i]); err == nil && text[i] == '(' {
				return calltext.InNames(row)
			}
			return nil
		}
	}
	return nil
}
