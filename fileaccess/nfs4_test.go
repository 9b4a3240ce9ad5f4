package fileaccess_test

import (
	"errors"
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

// ParseNFS4 and FormatNFS4 use the text form of nfs4_acl(5). Malformed and too long text is an error.
func TestNFS4TextParsesAndFormats(t *testing.T) {
	list := check.Must(fileaccess.ParseNFS4(
		"# a comment\nA::OWNER@:rwaDxtTnNcCoy\n\t # another,A::x:r\n" +
			"A:fdg:staff@example.org:RX, D::EVERYONE@:wa\n\nU:SF:EVERYONE@:d\nA::1000:W"))
	want := []fileaccess.NFS4ACE{
		{Who: "OWNER@", Mask: 0x1E01FF},
		{Who: "staff@example.org", Flags: fileaccess.NFS4FileInherit | fileaccess.NFS4DirectoryInherit |
			fileaccess.NFS4IdentifierGroup, Mask: 0x1200A9},
		{Type: fileaccess.NFS4Deny, Who: "EVERYONE@", Mask: 6},
		{Type: fileaccess.NFS4Audit, Flags: fileaccess.NFS4SuccessfulAccess | fileaccess.NFS4FailedAccess,
			Who: "EVERYONE@", Mask: 0x10000},
		{Who: "1000", Mask: 0x120116},
	}
	check.SlicesEqual(t, list, want, "ParseNFS4")
	got := fileaccess.FormatNFS4(list)
	check.That(t, got == "A::OWNER@:rwaDxtTnNcCoy\nA:fdg:staff@example.org:rxtncy\nD::EVERYONE@:wa\n"+
		"U:SF:EVERYONE@:d\nA::1000:waTNcy\n",
		"FormatNFS4 = %q, want the canonical text", got)
	if a, err := fileaccess.ParseNFS4("A::host:nfs@x:r"); err != nil || a[0].Who != "host:nfs@x" {
		t.Errorf("ParseNFS4 of a name with a colon: %v, %v; want the whole name", a, err)
	}
	most := strings.Repeat("A::x:r\n", 4096)
	list, err := fileaccess.ParseNFS4(most + strings.Repeat("\n", 1<<20-len(most)))
	check.That(t, err == nil && len(list) == 4096, "ParseNFS4 of 1 MiB with 4096 entries: %d, %v", len(list), err)
	for _, bad := range []string{"A", "A::x", "B::x:r", "AD::x:r", ":f:x:r", "A:z:x:r", "A:::r", "A::x:q", "A:: x:r",
		"A::x :r", strings.Repeat(",", 1<<20+1), strings.Repeat("A::x:r\n", 4097)} {
		check.ErrorIs(t, check.Err(fileaccess.ParseNFS4(bad)), fileaccess.ErrNFS4ACL, "ParseNFS4(%.20q)", bad)
	}
	_, err = fileaccess.ParseNFS4("A::x:r\n# comment\nA:z:x:r")
	check.That(t, err != nil && strings.Contains(err.Error(), `entry 1 "A:z:x:r": flag "z"`),
		"ParseNFS4 of a wrong second entry: %v, want its index, its text and the flag", err)
	check.Equal(t, (fileaccess.NFS4ACE{Type: 9, Who: "x"}).String(), "?::x:", "String of an unknown type")
}

// FuzzParseNFS4 checks that no text causes a panic and that FormatNFS4 prints parsed entries as text that parses to
// the same entries.
func FuzzParseNFS4(f *testing.F) {
	for _, text := range []string{
		"A::OWNER@:rwaDdxtTnNcCoy", "D:fdnig:g@d:RWX", "U:SF:EVERYONE@:", // plain, all flags, no rights
		"A::a:b:c:r", "A::,:r", "#A::x:r", "A::x:r,,A::y:w", "A:I:x:r\r\n", // colons, commas, comments, line ends
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := fileaccess.ParseNFS4(text)
		if err != nil {
			return
		}
		again, err := fileaccess.ParseNFS4(fileaccess.FormatNFS4(list))
		check.RequireThat(t, (err == nil || strings.Contains(text, "#")) && (err != nil || slices.Equal(list, again)),
			"ParseNFS4(%q) = %v, after FormatNFS4 %v, %v", text, list, again, err)
		d, _, err := fileaccess.FromNFS4(list, caseU, caseG, nil)
		if err == nil {
			fileaccess.ToNFS4(d, nil)
		}
	})
}

// nfs4Check implements the algorithm of RFC 7530, section 6.2.1, for one right.
func nfs4Check(list []fileaccess.NFS4ACE, member func(a fileaccess.NFS4ACE) bool, bit winnt.AccessMask) bool {
	for _, a := range list {
		if a.Flags&fileaccess.NFS4InheritOnly != 0 || a.Mask&bit == 0 || !member(a) {
			continue
		}
		switch a.Type {
		case fileaccess.NFS4Allow:
			return true
		case fileaccess.NFS4Deny:
			return false
		}
	}
	return false
}

// A descriptor made from an NFSv4 ACL decides each right as the ACL does, except for the owner's implicit rights. It
// converts back to the same ACL.
func TestFromNFS4DecidesLikeACL(t *testing.T) {
	r := random(t)
	names := []string{"OWNER@", "GROUP@", "EVERYONE@", "S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-2001", "S-1-5-21-1-2-3-2002"}
	for range *pairsFlag / 10 {
		var list []fileaccess.NFS4ACE
		for range r.IntN(7) {
			a := fileaccess.NFS4ACE{Type: fileaccess.NFS4Type(r.IntN(2)), Who: pick(r, names),
				Mask: (pick(r, someMasks) | pick(r, someMasks)) & 0x1F01FF}
			if r.IntN(3) == 0 {
				a.Flags = pick(r, []fileaccess.NFS4Flags{1, 2, 3, 7, 9, 11, 0x83})
			}
			list = append(list, a)
		}
		owner, group := pick(r, []sid.SID{caseU, domain.WithRID(1002)}), pick(r, []sid.SID{caseG, domain.WithRID(2002)})
		d, _, err := fileaccess.FromNFS4(list, owner, group, nil)
		check.NoError(t, err)
		spec := token.Spec{User: token.Group{SID: caseU},
			Groups: []token.Group{{SID: sid.Everyone, Attributes: enabled},
				{SID: caseG, Attributes: enabled}}, Integrity: sid.MediumLevel}
		s := access.SubjectOf(mustToken(t, spec))
		member := func(a fileaccess.NFS4ACE) bool {
			switch a.Who {
			case "OWNER@":
				return owner == caseU
			case "GROUP@":
				return group == caseG
			case "EVERYONE@", caseU.String(), caseG.String():
				return true
			}
			return false
		}
		got := fileaccess.Can(&s, d, 0x1F01FF, nil)
		back, lost := fileaccess.ToNFS4(d, nil)
		for bit := winnt.AccessMask(1); bit < 0x200000; bit <<= 1 {
			if bit&0x1F01FF == 0 || owner == caseU && bit&0x60000 != 0 {
				continue
			}
			want := nfs4Check(list, member, bit)
			if (got&bit != 0) != want || nfs4Check(back, member, bit) != want {
				t.Fatalf("%v, right %v: descriptor grants %v, converted back %v; want granted %t\n%s", list, bit, got,
					back, want, sdText(d))
			}
		}
		again, _, err := fileaccess.FromNFS4(back, owner, group, nil)
		if err != nil || len(lost) != 0 || !again.Equal(d) {
			t.Fatalf("%v converts to\n%v with losses %v\n%s\nand back to %s", list, back, lost, sdText(d), sdText(again))
		}
	}
}

// A map of names converts groups, in both directions. TestConversionsReportEachLoss has the losses.
func TestNFS4ConversionsUseNameMap(t *testing.T) {
	users := &fileaccess.NameMap{
		SID:  func(who string, group bool) (sid.SID, bool) { return caseG, group && who == "staff" },
		Name: func(s sid.SID) (string, bool, bool) { return "staff", true, s == caseG },
	}
	d, lost, err := fileaccess.FromNFS4([]fileaccess.NFS4ACE{{Who: "unknown@x", Mask: 1},
		{Type: fileaccess.NFS4Deny, Who: "unknown@x", Mask: 2}, {Who: "OWNER@", Mask: 1},
		{Who: "staff", Flags: fileaccess.NFS4IdentifierGroup, Mask: 4}, {Type: fileaccess.NFS4Audit,
			Flags: fileaccess.NFS4FailedAccess, Who: "EVERYONE@", Mask: 2}}, caseU, caseG, users)
	check.That(t, err == nil && len(lost) == 3,
		"FromNFS4: losses %v, %v; want two unknown names and a fixed owner", lost, err)
	want := sddl.MustParse("O:" + caseU.String() + "G:" + caseG.String() + "D:(D;;0x2;;;WD)(A;;0x1;;;" +
		caseU.String() + ")(A;;0x4;;;" + caseG.String() + ")S:(AU;FA;0x2;;;WD)")
	check.That(t, d.Equal(want), "FromNFS4: %s\nwant %s", sdText(d), sdText(want))
	back, _ := fileaccess.ToNFS4(d, users)
	if got := fileaccess.FormatNFS4(back); got != "D::EVERYONE@:w\nA::OWNER@:r\nA:g:GROUP@:a\nU:F:EVERYONE@:w\n" {
		t.Errorf("ToNFS4: %q, want the converted entries", got)
	}
	list, _ := fileaccess.ToNFS4(nil, nil)
	check.That(t, len(list) == 0, "F-101: ToNFS4(nil) = %v, want no entries", list)
	if list, _ := fileaccess.ToNFS4(sd.NoSecurity, nil); len(list) != 1 || list[0].Mask != winnt.FILE_ALL_ACCESS {
		t.Errorf("ToNFS4 of a NULL DACL = %v, want one entry with %v", list, winnt.FILE_ALL_ACCESS)
	}
	for _, bad := range []fileaccess.NFS4ACE{{Type: 4, Who: "EVERYONE@"}, {Who: "OWNER@"}} {
		_, _, err := fileaccess.FromNFS4([]fileaccess.NFS4ACE{bad}, sid.SID{}, caseG, nil)
		check.That(t, errors.Is(err, fileaccess.ErrNFS4ACL), "FromNFS4(%v): %v, want %v", bad, err, fileaccess.ErrNFS4ACL)
	}
}
