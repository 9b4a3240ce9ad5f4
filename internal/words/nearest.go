package words

import "strings"

// maxTypos is the most edits between a misspelled word and the word that it is taken for. A guess with more edits
// helps less than the list of all words.
const maxTypos = 3

// Nearest returns the name that a misspelled one was most likely meant to be, the first of those that are equally
// near; "" if no name is near. It ignores case. Near means at most maxTypos edits, and for a short name at most half
// as many edits as it has bytes.
func Nearest(name string, names []string) string {
	best, cost := "", min(maxTypos, len(name)/2)+1
	name = strings.ToLower(name)
	for _, s := range names {
		lower := strings.ToLower(s)
		if apart := len(name) - len(lower); max(apart, -apart) >= cost {
			continue // the distance is no less; a name in a collector's file may be long
		}
		if d := distance(name, lower); d < cost {
			best, cost = s, d
		}
	}
	return best
}

// distance returns the edit distance of two short strings, in bytes: 0 for equal ones, and the length of the other
// for "".
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			d := diagonal
			if a[i-1] != b[j-1] {
				d = 1 + min(diagonal, row[j], row[j-1])
			}
			diagonal, row[j] = row[j], d
		}
	}
	return row[len(b)]
}

// All returns the words that [Parse] accepts in addition to SDDL's own: those for every object type, then those for a
// directory.
func All() []string { return append(typed[:len(typed):len(typed)], directoryNames()...) }
