package bulk

import (
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"

	"github.com/refmon/refmon/effective"
	"github.com/refmon/refmon/internal/verbs/bulk/people"
	"github.com/refmon/refmon/sid"
)

// setID names a set of principals by the SIDs in it and the masks of its right:
// 22 characters of base64url, 128 bits of a SHA-256. The name does not depend on
// who else there is, nor on their order: it is the same in every run and on every
// machine, and a user who comes or goes renames the sets that he is in, no others.
// No user can bring about two sets of one name.
type setID [22]byte

// setNamer names the sets of a run. Immutable.
type setNamer struct {
	rank    []int // of each principal in the order of SIDs
	members []member
}

// member is a principal by its SID; name is empty unless others have that SID.
type member struct {
	sid    sid.SID
	prefix sid.SID
	name   string
}

func newSetNamer(d *people.Directory) *setNamer {
	n := &setNamer{rank: make([]int, len(d.Principals)), members: make([]member, len(d.Principals))}
	order := make([]int, len(d.Principals))
	for i := range order {
		order[i] = i
	}
	who := func(i int) sid.SID { return d.Principals[i].Token.User().SID }
	slices.SortFunc(order, func(a, b int) int {
		return cmp.Or(who(a).Compare(who(b)), cmp.Compare(d.Principals[a].Name, d.Principals[b].Name))
	})
	for at, i := range order {
		s := who(i)
		n.rank[i] = at
		n.members[at] = member{sid: s, prefix: s.Prefix()}
		for _, j := range [2]int{at - 1, at + 1} {
			if j >= 0 && j < len(order) && who(order[j]) == s {
				n.members[at].name = d.Principals[i].Name
			}
		}
	}
	return n
}

// id names a set. right is the text of its masks. The SIDs are written in order,
// those of one domain as their last parts after the domain (B-3).
func (n *setNamer) id(right string, s effective.Set) (id setID) {
	ranked := make(effective.Set, len(s))
	for i := range s.All() {
		at := n.rank[i]
		ranked[at/64] |= 1 << (at % 64)
	}
	buf := appendText(make([]byte, 0, 4096), right)
	var domain sid.SID
	h := sha256.New()
	for at := range ranked.All() {
		m := &n.members[at]
		switch {
		case m.name != "":
			buf = appendText(appendText(append(buf, 'N'), m.sid.Binary()), m.name)
			domain = sid.SID{}
		case m.prefix.IsZero() || m.prefix != domain:
			buf = appendText(append(buf, 'S'), m.sid.Binary())
			domain = m.prefix
		default:
			buf = binary.LittleEndian.AppendUint32(append(buf, 'R'), m.sid.RID())
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

// appendText appends a text and its length.
func appendText(dst []byte, text string) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(text))), text...)
}
