package sd_test

import (
	"encoding/binary"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// tenEntries returns a descriptor with a DACL of ten plain entries for accounts of a domain. The limits of the access
// check are stated for this shape.
func tenEntries(domain uint32) []byte {
	var aces []sd.ACE
	for i := range uint32(10) {
		s, _ := sid.New(5, 21, domain, 2, 3, 1000+i)
		a, _ := sd.NewACE(sd.AccessAllowed, 0, 0x120089, s)
		aces = append(aces, a)
	}
	l, _ := sd.NewACL(aces...)
	owner, _ := sid.New(5, 21, domain, 2, 3, 1107)
	group, _ := sid.New(5, 21, domain, 2, 3, 513)
	return sd.New(sd.Parts{Owner: owner, Group: group, DACL: l}).Binary()
}

// list returns an ACL with these entries, unchanged.
func list(entries ...[]byte) []byte {
	b := []byte{4, 0, 0, 0, byte(len(entries)), 0, 0, 0}
	for _, e := range entries {
		b = append(b, e...)
	}
	binary.LittleEndian.PutUint16(b[2:], uint16(len(b)))
	return b
}

// sddlOf prints a descriptor.
func sddlOf(d *sd.Descriptor) string {
	s, err := sddl.Format(d, sddl.Options{})
	if err != nil {
		return err.Error()
	}
	return s
}

// most is the number of entries of 32 bytes that fit into a list of 65532 bytes with a header of 8.
const most = (65532 - 8) / 32

// filler returns a list of entries for unused SIDs. It has the maximum length minus short entries of 28 bytes.
func filler(t *testing.T, typ sd.Type, flags uint8, short int) *sd.ACL {
	t.Helper()
	var aces []sd.ACE
	for i := range most - short {
		s, ok := sid.New(5, 21, 1, uint32(i), 7)
		check.RequireThat(t, ok, "sid.New failed, want a SID")
		aces = append(aces, check.Must(sd.NewACE(typ, flags, 1, s)))
	}
	return check.Must(sd.NewACL(aces...))
}

// with returns a descriptor with changed parts.
func with(d *sd.Descriptor, change func(p *sd.Parts)) *sd.Descriptor {
	p := d.Parts()
	change(&p)
	return sd.New(p)
}

// bob creates objects unless a case sets another user.
var bob = sid.MustParse("S-1-5-21-1-2-3-1107")

func caller() *sd.Caller {
	return &sd.Caller{Owner: bob, Group: sid.Users, DefaultDACL: sddl.MustParse("D:(A;;GA;;;SY)(A;;GRGX;;;BA)").DACL()}
}

func parse(text string) *sd.Descriptor {
	if text == "" {
		return nil
	}
	return sddl.MustParse(text)
}

func text(t *testing.T, d *sd.Descriptor) string {
	t.Helper()
	return check.Must(sddl.Format(d, sddl.Options{Extended: true}))
}

const og = "O:S-1-5-21-1-2-3-1107G:BU"

// kernelObject gives the new object a mapping whose GENERIC_READ and GENERIC_EXECUTE have rights that its GENERIC_ALL
// does not.
func kernelObject(r *sd.AssignRequest) {
	r.KernelObject = true
	r.Mapping = &winnt.GenericMapping{Read: 0x24001, Write: 0x26002, Execute: 0x25004, All: 0x1F800F}
}
