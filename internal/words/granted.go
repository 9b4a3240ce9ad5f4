package words

import (
	"strings"

	"github.com/refmon/refmon/winnt"
)

// Granted returns the words that a mask grants: those whose every bit is in it,
// and control if one of its bits is.
func Granted(granted winnt.AccessMask, t *winnt.ObjectType) []string {
	var out []string
	for _, w := range typed {
		if w == "control" {
			if granted&(winnt.WRITE_DAC|winnt.WRITE_OWNER) != 0 {
				out = append(out, w)
			}
			continue
		}
		if m := typedMask(w, t); m != 0 && granted&m == m {
			out = append(out, w)
		}
	}
	return out
}

// Rights returns all rights of a mask (B-118): the words of [Granted], then a name for each bit that none of them has.
// The word control has no bit, so without full WRITE_DAC, WRITE_OWNER or both follow. For objects of a directory a bit
// has the directory's word, such as WriteProperty. Rights returns nil for an empty mask.
func Rights(m winnt.AccessMask, t *winnt.ObjectType) []string {
	names := Granted(m, t)
	for _, w := range names {
		if w != "control" {
			m &^= typedMask(w, t)
		}
	}
	return append(names, bits(m, t)...)
}

// bits returns a name for each single bit of a mask on objects of type t, and nil for an empty mask.
func bits(m winnt.AccessMask, t *winnt.ObjectType) (names []string) {
	for b := winnt.AccessMask(1); b != 0; b <<= 1 {
		if m&b == 0 {
			continue
		}
		name := t.RightName(b)
		if t == winnt.DirectoryServiceObject {
			for _, w := range directoryWords {
				if w.plain() && w.mask == b {
					name = w.name
				}
			}
		}
		names = append(names, name)
	}
	return names
}

// Names returns a mask in words for a person: each word whose bits are all in it, unless an earlier word has them,
// then the names of the other bits (B-115). held is a mask that has m, such as all rights of the same user. It may
// complete a word with READ_CONTROL and SYNCHRONIZE, which several words share. Names returns "-" for an empty mask.
func Names(m, held winnt.AccessMask, t *winnt.ObjectType) string {
	if m == 0 {
		return "-"
	}
	var names []string
	const shared = winnt.READ_CONTROL | winnt.SYNCHRONIZE
	have, rest := m|held&shared, m
	for _, w := range [...]string{"full", "modify", "list", "read", "write"} {
		if w == "list" && t != winnt.DirectoryFileObject { // only directories can be listed
			continue
		}
		if bits := typedMask(w, t); bits != 0 && have&bits == bits && rest&bits&^shared != 0 {
			names = append(names, w)
			rest &^= bits
		}
	}
	if rest != 0 {
		names = append(names, t.Names(rest))
	}
	return strings.Join(names, ", ")
}
