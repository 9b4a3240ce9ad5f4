package index

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Class is one question about one descriptor: documents of a class have the same answers,
// for everybody. The zero value is a class whose descriptor grants nothing.
type Class struct {
	ID         string            // of [NewClass]
	Right      string            // its word, such as "read"
	Mask       winnt.AccessMask  // what the word asks for on the type, mapped
	Type       *winnt.ObjectType // a file or a directory
	Descriptor *sd.Descriptor    // what decides of it
	Share      *sd.Descriptor    // what decides of the share's; nil: none

	Passing bool    // it asks who passes a folder, and is of no document
	Holders bool    // of a folder: who holds SeChangeNotifyPrivilege passes it, too
	Through []Class // the folders to pass, each by its own class, in the order of their ids
}

// NewClass returns the class of a descriptor and a right. Its id is a hash of what decides
// and of nothing else: the descriptor's part that [Relevant] keeps, the share's, the mask
// and the mapping of the type (N-1).
func NewClass(d, share *sd.Descriptor, right string, mask winnt.AccessMask, t *winnt.ObjectType) Class {
	c := Class{Right: right, Mask: t.Mapping.Map(mask), Type: t, Descriptor: Relevant(d), Share: Relevant(share)}
	h := sha256.New()
	part := func(b []byte) {
		h.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(b))))
		h.Write(b)
	}
	part([]byte("refmon class 1"))
	var numbers []byte
	for _, m := range []winnt.AccessMask{c.Mask, t.Mapping.Read, t.Mapping.Write, t.Mapping.Execute, t.Mapping.All,
		t.Valid} {
		numbers = binary.LittleEndian.AppendUint32(numbers, uint32(m))
	}
	part(numbers)
	for _, x := range []*sd.Descriptor{c.Descriptor, c.Share} {
		if x == nil {
			part([]byte{0})
			continue
		}
		part(append([]byte{1}, x.Binary()...))
	}
	c.ID = base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:16])
	return c
}

// Relevant returns the part of a descriptor that decides: owner, entries of the DACL that
// apply to the object itself, without what says how they are inherited, and of the SACL
// what is no audit. Of the group it only counts that there is one. Nil stays nil.
func Relevant(d *sd.Descriptor) *sd.Descriptor {
	if d == nil {
		return nil
	}
	p := sd.Parts{Owner: d.Owner()}
	if !d.Group().IsZero() {
		p.Group = noOne
	}
	var err error
	if d.HasDACL() {
		p.Control |= sd.DACLPresent
		if p.DACL, err = kept(d.DACL(), false); err != nil {
			return d // its list has entries that no list can be made of again: all of it decides
		}
	}
	if d.SACL() != nil {
		if p.SACL, err = kept(d.SACL(), true); err != nil {
			return d
		}
		if p.SACL.Len() == 0 {
			p.SACL = nil
		} else {
			p.Control |= sd.SACLPresent
		}
	}
	return sd.New(p)
}

// noOne is the SID that no one has.
var noOne = sid.MustParse("S-1-0-0")

// kept returns a list without what does not decide. Entries that only children inherit are
// left out, also of labels.
func kept(l *sd.ACL, system bool) (*sd.ACL, error) {
	if l == nil {
		return nil, nil
	}
	var out []sd.ACE
	for _, a := range l.All() {
		if a.Flags()&sd.InheritOnly != 0 || system && a.Type().IsAudit() {
			continue
		}
		flags := uint8(0)
		if system {
			flags = a.Flags() &^ inheritance
		}
		same, err := sd.RawACE(a.Type(), flags, []byte(a.Binary()[4:]))
		if err != nil {
			return nil, err
		}
		out = append(out, same)
	}
	return sd.NewACL(out...)
}

// inheritance are the flags that say what children get and where an entry is from.
const inheritance = sd.ObjectInherit | sd.ContainerInherit | sd.NoPropagateInherit | sd.Inherited
