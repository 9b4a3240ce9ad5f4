package effective

// vector is a set of tokens that a SID matches. The zero value is empty. Most
// SIDs match few tokens, so a vector may store only its words that are not 0. at
// then has the indexes of these words. If at is nil, words has every word.
type vector struct {
	at    []uint32 // immutable; ascending indexes of words, parallel to words
	words []uint64 // immutable
}

// row is a line of the matrix, that of one SID: the tokens that the SID matches in entries that allow and in
// entries that deny. The two share storage if they are equal, as they nearly always are.
type row struct{ allow, deny vector }

// newVector returns a vector of the tokens, whose indexes must ascend. width is the number of words of a set. No
// tokens give the zero vector, which has no words.
func newVector(tokens []uint32, width int) vector {
	if len(tokens) == 0 {
		return vector{}
	}
	distinct := 1
	for i := 1; i < len(tokens); i++ {
		if tokens[i]/64 != tokens[i-1]/64 {
			distinct++
		}
	}
	if 4*distinct > width {
		v := vector{words: make([]uint64, width)}
		for _, t := range tokens {
			v.words[t/64] |= 1 << (t % 64)
		}
		return v
	}
	v := vector{at: make([]uint32, 0, distinct), words: make([]uint64, 0, distinct)}
	for _, t := range tokens {
		if n := len(v.at); n == 0 || v.at[n-1] != t/64 {
			v.at, v.words = append(v.at, t/64), append(v.words, 0)
		}
		v.words[len(v.words)-1] |= 1 << (t % 64)
	}
	return v
}

// grant applies an allow entry whose SID the tokens of v have: it moves them from undecided to granted. It returns
// false only if undecided is then empty, but may return true for an empty set too.
func (v *vector) grant(undecided, granted Set) bool {
	if v.at != nil {
		for i, at := range v.at {
			hit := undecided[at] & v.words[i]
			granted[at] |= hit
			undecided[at] ^= hit
		}
		return true
	}
	words := v.words
	if len(words) == 0 {
		return true
	}
	undecided, granted = undecided[:len(words)], granted[:len(words)]
	left := uint64(0)
	for i, w := range words {
		u := undecided[i]
		granted[i] |= u & w
		u &^= w
		undecided[i] = u
		left |= u
	}
	return left != 0
}

// strike applies a deny entry whose SID the tokens of v have: it removes them from undecided. It returns false only if
// undecided is then empty, but may return true for an empty set too.
func (v *vector) strike(undecided Set) bool {
	if v.at != nil {
		for i, at := range v.at {
			undecided[at] &^= v.words[i]
		}
		return true
	}
	words := v.words
	if len(words) == 0 {
		return true
	}
	undecided = undecided[:len(words)]
	left := uint64(0)
	for i, w := range words {
		u := undecided[i] &^ w
		undecided[i] = u
		left |= u
	}
	return left != 0
}

// addTo adds the tokens of v that are also in within to s. within must be as long as s.
func (v *vector) addTo(s, within Set) {
	if v.at != nil {
		for i, at := range v.at {
			s[at] |= v.words[i] & within[at]
		}
		return
	}
	for i, w := range v.words {
		s[i] |= w & within[i]
	}
}

// join adds the tokens of v to s, which must be large enough.
func (v *vector) join(s Set) {
	if v.at != nil {
		for i, at := range v.at {
			s[at] |= v.words[i]
		}
		return
	}
	for i, w := range v.words {
		s[i] |= w
	}
}

// set returns the tokens of v as a new set of width words.
func (v *vector) set(width int) Set {
	s := make(Set, width)
	v.join(s)
	return s
}
