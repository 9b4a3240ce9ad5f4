package fileaccess_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

const none = 0xFFFFFFFF

// unixToken returns the subject of a Unix process: a user and groups of the default map.
func unixToken(t testing.TB, user uint32, groups ...uint32) access.Subject {
	s := token.Spec{User: token.Group{SID: fileaccess.UnixUser(user)}, Integrity: sid.MediumLevel}
	s.Groups = append(s.Groups, token.Group{SID: sid.Everyone, Attributes: enabled})
	for _, g := range groups {
		s.Groups = append(s.Groups, token.Group{SID: fileaccess.UnixGroup(g), Attributes: enabled})
	}
	return access.SubjectOf(mustToken(t, s))
}

// posixCheck implements POSIX 1003.1e draft 17, section 23.1.5, for one permission.
func posixCheck(p *fileaccess.POSIX, user uint32, groups []uint32, want fileaccess.POSIXPerm) bool {
	l := p.Access
	if l == nil {
		l = fileaccess.ModeACL(p.Mode)
	}
	mask := fileaccess.POSIXPerm(7)
	for _, e := range l {
		if e.Tag == fileaccess.POSIXMask {
			mask = e.Perm
		}
	}
	for _, e := range l {
		if e.Tag == fileaccess.POSIXOwner && user == p.User {
			return e.Perm&want == want
		}
	}
	for _, e := range l {
		if e.Tag == fileaccess.POSIXUser && user == e.ID {
			return e.Perm&mask&want == want
		}
	}
	matched := false
	for _, e := range l {
		if e.Tag == fileaccess.POSIXGroupOwner && slices.Contains(groups, p.Group) ||
			e.Tag == fileaccess.POSIXGroup && slices.Contains(groups, e.ID) {
			matched = true
			if e.Perm&mask&want == want {
				return true
			}
		}
	}
	return !matched && l[len(l)-1].Perm&want == want
}

// posixWants returns the permissions that perm needs. Writing to a directory also needs search.
func posixWants(perm fileaccess.POSIXPerm, directory bool) fileaccess.POSIXPerm {
	if perm == fileaccess.POSIXWrite && directory {
		return fileaccess.POSIXWrite | fileaccess.POSIXExecute
	}
	return perm
}

func rightsOf(perm fileaccess.POSIXPerm, directory bool) winnt.AccessMask {
	switch {
	case perm == fileaccess.POSIXRead:
		return winnt.FILE_READ_DATA
	case perm == fileaccess.POSIXExecute:
		return winnt.FILE_EXECUTE
	case directory:
		return winnt.FILE_ADD_FILE | winnt.FILE_ADD_SUBDIRECTORY | winnt.FILE_DELETE_CHILD
	}
	return winnt.FILE_WRITE_DATA | winnt.FILE_APPEND_DATA
}

var threePerms = []fileaccess.POSIXPerm{fileaccess.POSIXRead, fileaccess.POSIXWrite, fileaccess.POSIXExecute}

func randomPOSIX(r *rand.Rand) *fileaccess.POSIX {
	perm := func() fileaccess.POSIXPerm { return fileaccess.POSIXPerm(r.IntN(8)) }
	p := &fileaccess.POSIX{User: uint32(r.IntN(4)), Group: uint32(r.IntN(4)), Mode: uint32(r.IntN(0o1000)),
		Directory: r.IntN(2) == 0}
	if r.IntN(4) == 0 {
		return p
	}
	p.Access = fileaccess.POSIXACL{{Tag: fileaccess.POSIXOwner, Perm: perm(), ID: none}}
	for id := range uint32(4) {
		if r.IntN(3) == 0 {
			p.Access = append(p.Access, fileaccess.POSIXEntry{Tag: fileaccess.POSIXUser, Perm: perm(), ID: id})
		}
	}
	p.Access = append(p.Access, fileaccess.POSIXEntry{Tag: fileaccess.POSIXGroupOwner, Perm: perm(), ID: none})
	for id := range uint32(4) {
		if r.IntN(3) == 0 {
			p.Access = append(p.Access, fileaccess.POSIXEntry{Tag: fileaccess.POSIXGroup, Perm: perm(), ID: id})
		}
	}
	if len(p.Access) > 2 || r.IntN(2) == 0 {
		p.Access = append(p.Access, fileaccess.POSIXEntry{Tag: fileaccess.POSIXMask, Perm: perm() | perm(), ID: none})
	}
	p.Access = append(p.Access, fileaccess.POSIXEntry{Tag: fileaccess.POSIXOther, Perm: perm(), ID: none})
	return p
}

// A descriptor made from POSIX permissions grants each permission to the same subjects as POSIX does.
func TestFromPOSIXGrantsLikePOSIX(t *testing.T) {
	r := random(t)
	for range *pairsFlag / 10 {
		p := randomPOSIX(r)
		d, _, err := fileaccess.FromPOSIX(p, nil)
		check.NoError(t, err)
		user, groups := uint32(r.IntN(5)), []uint32{uint32(r.IntN(5)), uint32(r.IntN(5))}[:r.IntN(3)]
		s := unixToken(t, user, groups...)
		for _, perm := range threePerms {
			rights := rightsOf(perm, p.Directory)
			got := fileaccess.Can(&s, d, rights, nil)
			if want := posixCheck(p, user, groups, posixWants(perm, p.Directory)); want && got != rights || !want && got != 0 {
				t.Fatalf("%+v, user %d in groups %v, permission %d: Can = %v, POSIX grants it: %v\n%s", *p, user,
					groups, perm, got, want, sdText(d))
			}
		}
	}
}

// POSIX permissions made from a descriptor never grant more than the descriptor.
func TestToPOSIXNeverGrantsMore(t *testing.T) {
	r := random(t)
	pool := []sid.SID{fileaccess.UnixUser(0), fileaccess.UnixUser(1), fileaccess.UnixUser(2), fileaccess.UnixGroup(0),
		fileaccess.UnixGroup(1), fileaccess.UnixGroup(2), sid.Everyone, sid.OwnerRights, sid.AuthenticatedUsers}
	for range *pairsFlag / 10 {
		var list []sd.ACE
		for range r.IntN(6) {
			typ := sd.AccessAllowed
			if r.IntN(3) == 0 {
				typ = sd.AccessDenied
			}
			list = append(list, check.Must(sd.NewACE(typ, 0, pick(r, someMasks)|pick(r, someMasks)|pick(r,
				[]winnt.AccessMask{0, 0x120089, 0x1F01FF}), pick(r, pool))))
		}
		l := check.Must(sd.NewACL(list...))
		d := sd.New(sd.Parts{Owner: pool[r.IntN(3)], Group: pool[3+r.IntN(3)], DACL: l})
		directory := r.IntN(2) == 0
		p, _ := fileaccess.ToPOSIX(d, directory, nil)
		if err := p.Access.Check(); err != nil || p.Mode != p.Access.Mode() {
			t.Fatalf("ToPOSIX = %+v, Check %v; want a valid ACL and the mode %o", p, err, p.Access.Mode())
		}
		user, groups := uint32(r.IntN(4)), []uint32{uint32(r.IntN(4)), uint32(r.IntN(4))}[:r.IntN(3)]
		spec := token.Spec{User: token.Group{SID: fileaccess.UnixUser(user)},
			Groups: []token.Group{{SID: sid.Everyone, Attributes: enabled}}, Integrity: sid.MediumLevel}
		for _, g := range groups {
			spec.Groups = append(spec.Groups, token.Group{SID: fileaccess.UnixGroup(g), Attributes: enabled})
		}
		if r.IntN(2) == 0 {
			spec.Groups = append(spec.Groups, token.Group{SID: sid.AuthenticatedUsers, Attributes: enabled})
		}
		s := access.SubjectOf(mustToken(t, spec))
		for _, perm := range threePerms {
			rights := rightsOf(perm, directory)
			if posixCheck(&p, user, groups, perm) && fileaccess.Can(&s, d, rights, nil) != rights {
				t.Fatalf("%s\nbecame %+v, which grants user %d in groups %v permission %d, but the descriptor "+
					"does not", sdText(d), p, user, groups, perm)
			}
		}
	}
}

// FromPOSIX rejects owners without a SID and malformed ACLs.
func TestFromPOSIXRejectsInvalidPermissions(t *testing.T) {
	known := &fileaccess.IDMap{User: func(id uint32) (sid.SID, bool) { return fileaccess.UnixUser(id), id < 10 },
		Group: func(id uint32) (sid.SID, bool) { return fileaccess.UnixGroup(id), id < 10 }}
	long := fileaccess.ModeACL(0o640) // its descriptor has more than 64 KiB
	for id := range uint32(3000) {
		long = slices.Insert(long, 1+int(id), fileaccess.POSIXEntry{Tag: fileaccess.POSIXUser, ID: id})
	}
	long = slices.Insert(long, len(long)-1, fileaccess.POSIXEntry{Tag: fileaccess.POSIXMask, ID: none})
	check.NoError(t, long.Check())
	for name, p := range map[string]*fileaccess.POSIX{"user 30": {User: 30}, "group 30": {Group: 30},
		"no entries":         {Access: fileaccess.POSIXACL{}},
		"an invalid default": {Directory: true, Access: fileaccess.ModeACL(0o750), Default: fileaccess.POSIXACL{{}}}} {
		_, _, err := fileaccess.FromPOSIX(p, known)
		check.That(t, err != nil, "FromPOSIX, %s: no error, want one", name)
	}
	_, _, err := fileaccess.FromPOSIX(&fileaccess.POSIX{Access: long}, nil)
	check.That(t, err != nil, "FromPOSIX of %d entries: no error, want one", len(long))
	d, _, err := fileaccess.FromMode(7, 8, 0o640, true, known)
	want, _, _ := fileaccess.FromPOSIX(&fileaccess.POSIX{User: 7, Group: 8, Mode: 0o640, Directory: true}, known)
	check.That(t, err == nil && d.Equal(want), "FromMode: %v, %v; want %v", d, err, want)
	// A function that a map does not have is the default one.
	for _, m := range []*fileaccess.IDMap{{User: known.User}, {Group: known.Group}} {
		user, group := uint32(30), uint32(30)
		if m.User != nil {
			user = 7
		} else {
			group = 7
		}
		_, _, err := fileaccess.FromMode(user, group, 0o640, false, m)
		check.NoError(t, err)
	}
}

// Without a DACL everybody has every permission, without a descriptor nobody has any.
func TestToPOSIXWithoutDACLGrantsAll(t *testing.T) {
	p, _ := fileaccess.ToPOSIX(sddl.MustParse(owned), false, nil)
	check.That(t, p.Mode == 0o777, "ToPOSIX without a DACL: mode %o, want 777", p.Mode)
	p, _ = fileaccess.ToPOSIX(nil, false, nil)
	check.That(t, p.User == none && p.Mode == 0 && len(p.Access) == 3, "ToPOSIX(nil) = %+v, want user %v and mode 0", p,
		uint32(none))
	// A map without Find knows the SIDs of Unix ids only.
	p, _ = fileaccess.ToPOSIX(sddl.MustParse("O:S-1-22-3-7G:S-1-22-2-8D:"), false, new(fileaccess.IDMap))
	check.That(t, p.User == none && p.Group == 8, "ToPOSIX of other SIDs: %+v, want no user and group 8", p)
	p, _ = fileaccess.ToPOSIX(sddl.MustParse("O:S-1-5-1-7G:S-1-5-2-8D:"), false, nil)
	check.That(t, p.User == none && p.Group == none, "ToPOSIX of other authorities: %+v, want no user and no group", p)
}

// A default ACL is inherited as in POSIX, and is the same after FromPOSIX and ToPOSIX.
func TestDefaultACLIsInherited(t *testing.T) {
	p := &fileaccess.POSIX{User: 7, Group: 8, Mode: 0o755, Directory: true}
	p.Default = fileaccess.POSIXACL{{Tag: 1, Perm: 7, ID: none}, {Tag: 2, Perm: 5, ID: 3}, {Tag: 4, Perm: 5, ID: none},
		{Tag: 0x10, Perm: 5, ID: none}, {Tag: 0x20, Perm: 0, ID: none}}
	d, _, err := fileaccess.FromPOSIX(p, nil)
	check.NoError(t, err)
	back, _ := fileaccess.ToPOSIX(d, true, nil)
	check.That(t, slices.Equal(back.Default, p.Default) && back.Mode == 0o755,
		"ToPOSIX = %+v, want default ACL %v, mode 755", back, p.Default)
	for _, directory := range []bool{false, true} {
		made, st := sd.Assign(&sd.AssignRequest{Parent: d, IsContainer: directory, Mapping: &winnt.FileObject.Mapping,
			Subject: &sd.Caller{Owner: fileaccess.UnixUser(9), Group: fileaccess.UnixGroup(9)}})
		check.Require(t, st, 0, "Assign")
		child, _ := fileaccess.ToPOSIX(made, directory, nil)
		check.That(t, child.User == 9 && child.Mode == 0o750 && len(child.Access) == 5 && child.Access[1] == p.Default[1],
			"permissions of a child: %+v, want user 9, mode 750 and the named user\n%s", child, sdText(made))
	}
}

// DecodePOSIX reads an attribute as Linux writes it, here user::rw-, user:1000:r--, user:16909060:r--,
// group::r--, mask::rw-, other::---. It rejects malformed and too long ones.
func TestDecodePOSIXReadsLinuxForm(t *testing.T) {
	b, _ := hex.DecodeString("02000000" + "01000600ffffffff" + "02000400e8030000" + "0200040004030201" +
		"04000400ffffffff" + "10000600ffffffff" + "20000000ffffffff")
	l, err := fileaccess.DecodePOSIX(b)
	check.That(t, err == nil && l.Mode() == 0o660 &&
		l[1] == (fileaccess.POSIXEntry{Tag: fileaccess.POSIXUser, Perm: 4, ID: 1000}) && l[2].ID == 0x01020304 &&
		bytes.Equal(l.Append(nil), b), "DecodePOSIX = %+v, %v; want the six entries, and the same bytes from Append", l, err)
	l[4].Perm = 0
	check.Equal(t, l.Mode(), 0o600, "mode with an empty mask")
	const owner, group, mask, other = "01000600ffffffff", "04000400ffffffff", "10000600ffffffff", "20000000ffffffff"
	for _, bad := range []string{"", "02", "03000000" + owner + group + other, "02000000", "0200000001",
		"02000000" + "01000800ffffffff" + group + other, "02000000" + owner + "03000600ffffffff" + group + other,
		"02000000" + group + owner + other, "02000000" + owner + owner + group + other,
		"02000000" + owner + "02000400e8030000" + group + other,
		"02000000" + owner + group + "08000400e8030000" + other, "02000100" + owner + group + other,
		"02000000" + "01010600ffffffff" + group + other, "02000000" + "01000601ffffffff" + group + other,
		"02000000" + group + other, "02000000" + owner + other, "02000000" + owner + group,
		"02000000" + owner + "01000600e8030000" + group + other,
		"02000000" + owner + group + mask + "08000400e8030000" + other} {
		b, _ := hex.DecodeString(bad)
		check.ErrorIs(t, check.Err(fileaccess.DecodePOSIX(b)), fileaccess.ErrPOSIXACL, "DecodePOSIX(%s)", bad)
	}
	long := func(n int) error { // with users from 1000 on between the owner and the group
		l := fileaccess.POSIXACL{{Tag: fileaccess.POSIXOwner, ID: ^uint32(0)}}
		for i := range n - 4 {
			l = append(l, fileaccess.POSIXEntry{Tag: fileaccess.POSIXUser, ID: 1000 + uint32(i)})
		}
		for _, tag := range []fileaccess.POSIXTag{fileaccess.POSIXGroupOwner, fileaccess.POSIXMask, fileaccess.POSIXOther} {
			l = append(l, fileaccess.POSIXEntry{Tag: tag, ID: ^uint32(0)})
		}
		return check.Err(fileaccess.DecodePOSIX(l.Append(nil)))
	}
	if err := long(8191); err != nil { // 64 KiB hold 8191 entries and the header
		t.Errorf("DecodePOSIX of 8191 entries: %v, want no error", err)
	}
	if err := long(8192); !errors.Is(err, fileaccess.ErrPOSIXACL) || !strings.Contains(err.Error(), "at most 8191") {
		t.Errorf("DecodePOSIX of 8192 entries: %v, want an error that names the limit", err)
	}
}

// FuzzDecodePOSIX checks that no bytes cause a panic and that a decoded ACL encodes to the same bytes.
func FuzzDecodePOSIX(f *testing.F) {
	// minimal
	f.Add(fileaccess.ModeACL(0o644).Append(nil))
	// no entries
	f.Add([]byte{2, 0, 0, 0})
	// old version
	f.Add([]byte{1, 0, 0, 0})
	// extended, odd ids
	f.Add(fileaccess.POSIXACL{{Tag: 1, Perm: 7, ID: 0}, {Tag: 2, Perm: 0, ID: 0}, {Tag: 4}, {Tag: 8, Perm: 6, ID: 5},
		{Tag: 0x10, Perm: 7}, {Tag: 0x20}}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		l, err := fileaccess.DecodePOSIX(b)
		if err != nil {
			return
		}
		check.RequireThat(t, bytes.Equal(l.Append(nil), b), "Append after DecodePOSIX of %x = %x", b, l.Append(nil))
		d, _, err := fileaccess.FromPOSIX(&fileaccess.POSIX{User: 1, Group: 1, Access: l, Directory: len(b)%2 == 0,
			Default: l}, nil)
		if err == nil {
			fileaccess.ToPOSIX(d, true, nil)
		}
	})
}

// An entry of a DACL that neither allows nor denies changes neither the permissions nor the losses, whatever its SID
// and mask are (F-101).
func TestToPOSIXIgnoresOtherEntryTypes(t *testing.T) {
	plain := sddl.MustParse("O:BAG:SYD:(A;;FR;;;BA)(A;;FA;;;SY)")
	want, lostWant := fileaccess.ToPOSIX(plain, false, nil)
	for _, typ := range []sd.Type{sd.SystemAudit, sd.SystemMandatoryLabel, sd.SystemAlarm} {
		odd := check.Must(sd.NewACE(typ, 0, winnt.FILE_ALL_ACCESS, sid.Everyone))
		l := check.Must(sd.NewACL(append([]sd.ACE{odd}, plain.DACL().Slice()...)...))
		parts := plain.Parts()
		parts.DACL = l
		got, lost := fileaccess.ToPOSIX(sd.New(parts), false, nil)
		check.That(t, reflect.DeepEqual(got, want) && reflect.DeepEqual(lost, lostWant),
			"ToPOSIX with an entry of type %v: %+v, losses %v; want %+v, %v", typ, got, lost, want, lostWant)
		if typ == sd.SystemMandatoryLabel {
			_, lost := fileaccess.ToNFS4(sd.New(parts), nil)
			checkLosses(t, "to NFS4", lost, fileaccess.Loss{Kind: fileaccess.LossEntryType, SID: sid.Everyone,
				Bits: winnt.FILE_ALL_ACCESS})
		}
	}
}
