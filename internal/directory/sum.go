package directory

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/refmon/refmon/claims"
	"github.com/refmon/refmon/sid"
)

// digest is the SHA-256 sum of one account or of all accounts.
type digest = [sha256.Size]byte

// Sum returns a digest of all fields of the accounts. Two Accounts with the same values in the same order have the same
// digest. It stores the digest of each account for With, so only one goroutine may call it at a time. Do not change the
// accounts afterwards.
func (a *Accounts) Sum() digest {
	if a.digests == nil {
		a.digests = make([]digest, len(a.Users)+len(a.Groups))
	}
	var s summer
	s.sid(a.Domain)
	s.text(a.Realm)
	s.sid(a.Computer)
	s.number(uint64(a.Logon))
	s.number(uint64(len(a.Users)))
	whole := sha256.New()
	whole.Write(s)
	for i := range a.digests {
		d := &a.digests[i]
		if *d == (digest{}) {
			if s = s[:0]; i < len(a.Users) {
				s.user(&a.Users[i])
			} else {
				g := &a.Groups[i-len(a.Users)]
				s.account(g.Name, g.SID, g.MemberOf)
				s.id(g.GID)
			}
			*d = sha256.Sum256(s)
		}
		whole.Write(d[:])
	}
	return digest(whole.Sum(nil))
}

// user appends every field of a user.
func (s *summer) user(u *User) {
	s.account(u.Name, u.SID, u.MemberOf)
	s.sid(u.Primary)
	s.id(u.UID)
	s.id(u.GID)
	s.flag(u.Disabled)
	s.text(u.UPN)
	s.claims(u.Claims)
}

// summer encodes accounts unambiguously as bytes for a digest: numbers in eight bytes, texts after their length.
type summer []byte

// number appends n in eight bytes, little endian.
func (s *summer) number(n uint64) { *s = binary.LittleEndian.AppendUint64(*s, n) }

// text appends the length of t in bytes, then t.
func (s *summer) text(t string) {
	s.number(uint64(len(t)))
	*s = append(*s, t...)
}

// sid appends a SID in its binary form, as text does.
func (s *summer) sid(id sid.SID) { s.text(id.Binary()) }

// flag appends 1 if set, else 0.
func (s *summer) flag(set bool) {
	n := uint64(0)
	if set {
		n = 1
	}
	s.number(n)
}

// id appends whether the id is known, then its number.
func (s *summer) id(id UnixID) {
	s.flag(id.Known)
	s.number(uint64(id.ID))
}

// account appends the values that users and groups share. Their order counts.
func (s *summer) account(name string, id sid.SID, memberOf []sid.SID) {
	s.text(name)
	s.sid(id)
	s.number(uint64(len(memberOf)))
	for _, g := range memberOf {
		s.sid(g)
	}
}

// claims appends the attributes of a set, which may be nil, in their binary form.
func (s *summer) claims(set *claims.Set) {
	s.number(uint64(set.Len()))
	for _, a := range set.All() {
		s.text(string(a.Append(nil)))
	}
}
