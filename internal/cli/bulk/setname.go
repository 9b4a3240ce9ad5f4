package bulk

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/sid"
)

// setID is the name of a set of principals: 128 bits of a SHA-256 over their SIDs and the masks of the right, as 22
// characters of base64url. It does not depend on other principals or on their order, so it is the same in every run
// and on every machine. A new or deleted user changes only the names of the sets that contain the user. No user can
// cause two sets to have the same name.
type setID [22]byte

// setNamer computes the names of sets of principals for a run, from their SIDs. It is immutable.
type setNamer struct {
	rank    []int // of each principal in the order of SIDs
	members []member
}

// member holds the bytes of a principal that are hashed: its whole SID, or only the RID after another principal of
// the same domain.
type member struct {
	whole  []byte
	last   [5]byte
	domain int // 0: always whole
}

// newSetNamer returns a namer for the principals of d. It ranks them by SID and name, so the order in d does
// not matter.
func newSetNamer(d *directory.Directory) *setNamer {
	n := &setNamer{rank: make([]int, len(d.Principals)), members: make([]member, len(d.Principals))}
	order := make([]int, len(d.Principals))
	for i := range order {
		order[i] = i
	}
	who := func(i int) sid.SID { return d.Principals[i].SID() }
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(who(a).Compare(who(b)), cmp.Compare(d.Principals[a].Name, d.Principals[b].Name))
	})
	domains := map[sid.SID]int{{}: 0}
	for at, i := range order {
		s := who(i)
		shared := at > 0 && who(order[at-1]) == s || at+1 < len(order) && who(order[at+1]) == s
		n.rank[i] = at
		n.members[at] = newMember(s, d.Principals[i].Name, shared, domains)
	}
	return n
}

// newMember returns the hashed bytes of a principal. shared means that another principal has the same SID; the bytes
// then include the name. domains numbers the domains met so far.
func newMember(s sid.SID, name string, shared bool, domains map[sid.SID]int) (m member) {
	if shared {
		m.whole = appendText(appendText([]byte{'N'}, s.Binary()), name)
		return m
	}
	prefix := s.Prefix()
	number, known := domains[prefix]
	if !known {
		number = len(domains)
		domains[prefix] = number
	}
	m.domain = number
	m.whole = appendText([]byte{'S'}, s.Binary())
	m.last[0] = 'R'
	binary.LittleEndian.PutUint32(m.last[1:], s.RID())
	return m
}

// id returns the name of a set. right is the text of its masks. SIDs are hashed in sorted order; those of one domain
// as RIDs after the domain (B-3).
func (n *setNamer) id(right string, s effective.Set) (id setID) {
	buf := appendText(make([]byte, 0, 4096), right)
	domain := 0
	h := sha256.New()
	for i, word := range n.ranked(s) {
		for ; word != 0; word &= word - 1 {
			m := &n.members[64*i+bits.TrailingZeros64(word)]
			if m.domain != 0 && m.domain == domain {
				buf = append(buf, m.last[:]...)
				continue
			}
			buf, domain = append(buf, m.whole...), m.domain
			if len(buf) > 3500 {
				h.Write(buf)
				buf = buf[:0]
			}
		}
		if len(buf) > 3500 {
			h.Write(buf)
			buf = buf[:0]
		}
	}
	h.Write(buf)
	var sum [sha256.Size]byte
	base64.RawURLEncoding.Encode(id[:], h.Sum(sum[:0])[:16])
	return id
}

// ranked renumbers the members of s by the order of SIDs, so that sets with equal SIDs have equal bits in every
// directory. s stays unchanged.
func (n *setNamer) ranked(s effective.Set) effective.Set {
	ranked := make(effective.Set, len(s))
	for i, word := range s {
		for ; word != 0; word &= word - 1 {
			at := n.rank[64*i+bits.TrailingZeros64(word)]
			ranked[at/64] |= 1 << (at % 64)
		}
	}
	return ranked
}

// appendText appends a text to dst in an unambiguous form for hashing: its length in 32 bits, then the text.
func appendText(dst []byte, text string) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(text))), text...)
}
