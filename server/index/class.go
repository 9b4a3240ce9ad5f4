package index

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"

	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// Class is a set of documents with the same descriptor as far as access is concerned, and one
// right. All documents of a class grant the right to the same people. The zero value's descriptor
// grants nothing.
type Class struct {
	ID         string            // hash of the parts that decide access, see [NewClass]
	Right      string            // the right's name, such as "read"
	Mask       winnt.AccessMask  // the right's mapped access mask for the type
	Type       *winnt.ObjectType // a file or a directory
	Descriptor *sd.Descriptor    // the part of the descriptor that decides access
	Share      *sd.Descriptor    // the part of the share's descriptor that decides access; nil: none

	Passing bool    // a folder's class: its members may traverse the folder; it has no documents
	Holders bool    // for a folder's class: holders of SeChangeNotifyPrivilege are members too
	Through []Class // classes of the folders above the documents, sorted by ID
}

// NewClass returns the class of the documents with descriptor d, for a right with this name and mask. t is the type of
// the documents. The ID is a hash of everything that decides access: the parts of both descriptors that [Relevant]
// keeps, the mask and the type's mapping (N-1). Equal inputs give equal IDs on every machine. A nil share limits
// nothing. A nil d grants nobody the right.
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

// Relevant returns the part of a descriptor that affects access: the owner, the DACL entries that apply to the object
// without their inheritance flags, and the SACL without audit entries. It replaces a group by a constant. It returns
// nil for nil. If the entries that remain form no valid list, it returns d itself. It does not change d.
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
		if p.DACL, err = relevantEntries(d.DACL(), false); err != nil {
			return d // a list without the dropped entries cannot be built, so the whole descriptor decides
		}
	}
	if d.SACL() != nil {
		if p.SACL, err = relevantEntries(d.SACL(), true); err != nil {
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

// noOne is the SID that nobody has.
var noOne = sid.MustParse("S-1-0-0")

// relevantEntries returns the entries of an ACL that affect access to the object itself. Inherit-only entries are
// omitted, also of labels. system means that l is a SACL: audit entries are omitted too, and success and failure
// flags stay. A nil list returns nil; an empty list does not.
func relevantEntries(l *sd.ACL, system bool) (*sd.ACL, error) {
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

// inheritance are the flags about inheritance.
const inheritance = sd.ObjectInherit | sd.ContainerInherit | sd.NoPropagateInherit | sd.Inherited
