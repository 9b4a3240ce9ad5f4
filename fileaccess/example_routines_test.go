package fileaccess_test

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/fileaccess"
	"github.com/refmon/refmon/ntstatus"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// user returns a user without privileges.
func user() access.Subject {
	t, err := token.Parse([]byte(`{"user":"S-1-5-21-1-2-3-1107","groups":["WD"],"type":"Impersonation"}`))
	if err != nil {
		panic(err)
	}
	return access.SubjectOf(t)
}

func ExampleCan() {
	s := user()
	fmt.Println(fileaccess.Can(&s, sddl.MustParse("O:BAG:BAD:(D;;0x2;;;WD)(A;;FA;;;WD)"), 0x7, nil))
	// Output: 0x5
}

func ExampleMaximal() {
	s := user()
	f := fileaccess.Facts{
		Parent: &fileaccess.Directory{Descriptor: sddl.MustParse("O:BAG:BAD:(A;;0x41;;;WD)")},
		Object: fileaccess.Object{Exists: true, Descriptor: sddl.MustParse("O:BAG:BAD:(A;;0x1;;;WD)")},
	}
	m := fileaccess.Maximal(&s, &f)
	fmt.Println(m.Status(), m.Access, winnt.FileObject.Names(m.Access))
	// Output: STATUS_SUCCESS 0x10081 FILE_READ_DATA|FILE_READ_ATTRIBUTES|DELETE
}

func ExampleHandle_May() {
	h := fileaccess.Handle{Granted: winnt.FILE_GENERIC_READ | winnt.DELETE, Attributes: fileaccess.AttributeReadOnly}
	for _, op := range []fileaccess.Operation{fileaccess.Read, fileaccess.Write, fileaccess.SetDisposition} {
		fmt.Println(op, h.May(op))
	}
	// Output:
	// Read STATUS_SUCCESS
	// Write STATUS_ACCESS_DENIED
	// SetDisposition STATUS_CANNOT_DELETE
}

func ExampleDecideLink() {
	m := fileaccess.Move{Subject: user(), Granted: winnt.FILE_WRITE_ATTRIBUTES}
	m.Target.Object = fileaccess.Object{Exists: true, IsDirectory: true,
		Descriptor: sddl.MustParse("O:BAG:BAD:(A;;FA;;;WD)")}
	m.Existing = &fileaccess.Existing{}
	d := fileaccess.DecideLink(&m)
	fmt.Println(d.Status(), d.Rule)
	// Output: STATUS_OBJECT_NAME_COLLISION F-58
}

func ExampleQuerySecurity() {
	h := fileaccess.Handle{Granted: winnt.READ_CONTROL}
	d := sddl.MustParse("O:BAG:BAD:(A;;FR;;;WD)S:(AU;FA;FA;;;WD)")
	for _, info := range []uint32{winnt.DACL_SECURITY_INFORMATION, winnt.SACL_SECURITY_INFORMATION} {
		part, st := fileaccess.QuerySecurity(&h, d, info)
		fmt.Println(st, part != nil)
	}
	// Output:
	// STATUS_SUCCESS true
	// STATUS_ACCESS_DENIED false
}

func ExampleSetSecurity() {
	h := fileaccess.Handle{Granted: winnt.WRITE_DAC}
	old := sddl.MustParse("O:BAG:BAD:(A;;FA;;;WD)")
	d, st := fileaccess.SetSecurity(&h, &fileaccess.SecurityChange{
		Information: winnt.DACL_SECURITY_INFORMATION, Old: old, New: sddl.MustParse("D:(A;;FR;;;WD)"), Subject: user(),
	})
	text, _ := sddl.Format(d, sddl.Options{})
	fmt.Println(st, text)
	// Output: STATUS_SUCCESS O:BAG:BAD:(A;;FR;;;WD)
}

func ExampleVisibleEntries() {
	entries := []*sd.Descriptor{sddl.MustParse("O:BAG:BAD:(A;;FR;;;WD)"), sddl.MustParse("O:BAG:BAD:(A;;FA;;;BA)")}
	fmt.Println(fileaccess.VisibleEntries(entries,
		[]fileaccess.Viewer{{Subject: user(), Share: fileaccess.ShareReadRights}}, nil))
	// Output: [[true false]]
}

func ExampleCreateFile() {
	r, _ := fileaccess.CreateFile(user(), "f", winnt.GENERIC_READ, fileaccess.ShareRead, fileaccess.OpenExisting, 0)
	f := fileaccess.Facts{}
	d := fileaccess.Open(&r, &f)
	fmt.Println(d.Status(), fileaccess.LastError(d.Status(), false))
	// Output: STATUS_OBJECT_NAME_NOT_FOUND 2
}

func ExampleFromMode() {
	d, lost, _ := fileaccess.FromMode(1000, 100, 0o4640, false, nil)
	text, _ := sddl.Format(d, sddl.Options{})
	fmt.Println(text)
	fmt.Println(lost)
	// Output:
	// O:S-1-22-1-1000G:S-1-22-2-100D:P(A;;0x16019f;;;S-1-22-1-1000)(A;;FR;;;S-1-22-2-100)(A;;0x120080;;;WD)
	// [special bits: 04000]
}

func ExampleFromPOSIX() {
	acl := fileaccess.POSIXACL{
		{Tag: fileaccess.POSIXOwner, Perm: 6}, {Tag: fileaccess.POSIXUser, ID: 1001, Perm: 0},
		{Tag: fileaccess.POSIXGroupOwner, Perm: 4}, {Tag: fileaccess.POSIXMask, Perm: 4}, {Tag: fileaccess.POSIXOther,
			Perm: 4},
	}
	d, lost, _ := fileaccess.FromPOSIX(&fileaccess.POSIX{User: 1000, Group: 100, Access: acl}, nil)
	for _, a := range d.DACL().All() {
		text, _ := sddl.FormatACE(a, sddl.Options{})
		fmt.Println(text)
	}
	fmt.Println(lost)
	// Output:
	// (A;;0x16019f;;;S-1-22-1-1000)
	// (A;;0x120080;;;S-1-22-1-1001)
	// (D;;CCSW;;;S-1-22-1-1001)
	// (A;;FR;;;S-1-22-2-100)
	// (A;;FR;;;WD)
	// [mask folded into the entries]
}

func ExampleToPOSIX() {
	p, lost := fileaccess.ToPOSIX(sddl.MustParse("O:S-1-22-1-1000G:S-1-22-2-100D:(A;;FA;;;S-1-22-1-1000)(A;;FR;;;WD)"),
		false, nil)
	fmt.Printf("%o %v\n", p.Mode, lost)
	// Output: 744 [rights without permission: S-1-22-1-1000 0x90000]
}

func ExampleDecodePOSIX() {
	l, err := fileaccess.DecodePOSIX(fileaccess.ModeACL(0o640).Append(nil))
	fmt.Printf("%o %v\n", l.Mode(), err)
	// Output: 640 <nil>
}

func ExampleFromNFS4() {
	list, err := fileaccess.ParseNFS4("A::OWNER@:rwatTnNcCy, D:g:S-1-5-21-1-2-3-2001:w, A::EVERYONE@:rtncy")
	if err != nil {
		fmt.Println(err)
		return
	}
	d, lost, _ := fileaccess.FromNFS4(list, sid.MustParse("S-1-5-21-1-2-3-1107"), sid.Users, nil)
	text, _ := sddl.Format(d, sddl.Options{})
	fmt.Println(text)
	fmt.Println(lost)
	back, _ := fileaccess.ToNFS4(d, nil)
	fmt.Print(fileaccess.FormatNFS4(back))
	// Output:
	// O:S-1-5-21-1-2-3-1107G:BUD:(A;;0x16019f;;;S-1-5-21-1-2-3-1107)(D;;DC;;;S-1-5-21-1-2-3-2001)(A;;FR;;;WD)
	// [owner and group fixed: OWNER@]
	// A::OWNER@:rwatTnNcCy
	// D::S-1-5-21-1-2-3-2001:w
	// A::EVERYONE@:rtncy
}

// An open's record: the SACL is asked with package audit, the reasons come
// from the explanation (F-80).
func Example_audit() {
	policy, _ := audit.NewPolicy(audit.PolicySpec{
		System: map[audit.Subcategory]audit.Setting{audit.FileSystem: audit.OnBoth}})
	r := fileaccess.Request{Subject: user(), Desired: winnt.FILE_READ_DATA | winnt.DELETE,
		Disposition: fileaccess.FileOpen, Name: `reports\q3.xlsx`}
	f := fileaccess.Facts{
		Parent: &fileaccess.Directory{Descriptor: sddl.MustParse("O:BAG:BAD:(A;;0x40;;;WD)")},
		Object: fileaccess.Object{Exists: true,
			Descriptor: sddl.MustParse("O:BAG:BAD:(A;;FR;;;WD)S:(AU;SAFA;FA;;;WD)")},
	}
	d, x := fileaccess.Explain(&r, &f)
	if d.Audit.About != fileaccess.AuditObject && d.Audit.About != fileaccess.AuditDirectory {
		return
	}
	asked := access.Request{Descriptor: d.Audit.Descriptor, Subject: r.Subject, Desired: d.Audit.Desired,
		Type: winnt.FileObject}
	v := policy.Evaluate("File", &asked, access.Decision{Granted: d.Audit.Granted,
		Verdict: ntstatus.Decided(d.Audit.Status)}, nil)
	var reasons []audit.Reason
	var own access.Explanation
	for _, b := range x.Reasons {
		if b.Reason.Kind == fileaccess.FromAccess {
			own.Reasons = append(own.Reasons, access.BitReason{Bit: b.Bit, Granted: b.Granted, Reason: b.Reason.Access})
		} else {
			reasons = append(reasons, audit.Reason{Bits: b.Bit, Code: b.Reason.Message()})
		}
	}
	reasons = append(reasons, audit.Reasons(&asked, &own)...)
	e := audit.HandleRequested(audit.Origin{Subject: r.Subject},
		audit.Object{Type: "File", Name: d.Audit.Name, Handle: 0x44},
		audit.HandleRequest{Access: v.Access, Reasons: reasons, Privileges: d.PrivilegesUsed,
			Descriptor: d.Audit.Descriptor})
	text, _ := e.Field("AccessReason")
	fmt.Println(v.Success, e.ID, strings.Join(strings.Fields(text), " "))
	// Output: true 4656 %%1537: %%1811 %%4416: %%1801 D:(A;;FR;;;WD)
}
