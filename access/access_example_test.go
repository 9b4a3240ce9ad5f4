package access_test

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// alice returns a user of the groups Everyone and Users.
func alice() *token.Token {
	t, err := token.New(token.Spec{
		User: token.Group{SID: sid.MustParse("S-1-5-21-1-2-3-1107")},
		Groups: []token.Group{{SID: sid.Everyone, Attributes: token.GroupDefault},
			{SID: sid.Users, Attributes: token.GroupDefault}},
		Integrity: sid.MediumLevel,
	})
	if err != nil {
		panic(err)
	}
	return t
}

func ExampleCheck() {
	d := sddl.MustParse("O:BAG:SYD:(D;;FW;;;BG)(A;;FA;;;BA)(A;;FR;;;WD)")
	dec, err := access.Check(alice(), d, winnt.FILE_READ_DATA, winnt.FileObject)
	if err != nil {
		fmt.Println(err) // the question was malformed
		return
	}
	fmt.Println(dec.Allowed(), dec.Granted)
	dec, _ = access.Check(alice(), d, winnt.FILE_WRITE_DATA, winnt.FileObject)
	fmt.Println(dec.Status(), errors.Is(dec.Err(), fs.ErrPermission))
	// Output:
	// true 0x1
	// STATUS_ACCESS_DENIED true
}

func ExampleCheckBytes() {
	stored := sddl.MustParse("O:BAG:SYD:(A;;FR;;;BU)").Binary()
	dec, err := access.CheckBytes(alice(), stored, winnt.MAXIMUM_ALLOWED, winnt.FileObject)
	fmt.Println(winnt.FileObject.Names(dec.Granted), err)
	// Output: FILE_READ_DATA|FILE_READ_EA|FILE_READ_ATTRIBUTES|READ_CONTROL|SYNCHRONIZE <nil>
}

func ExampleSeAccessCheck() {
	r := &access.Request{
		Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;BU)"),
		Subject:    access.Subject{Primary: alice()},
		Desired:    winnt.GENERIC_READ,
		Type:       winnt.FileObject,
	}
	dec, err := access.SeAccessCheck(r)
	fmt.Println(dec.Granted, err)
	// Output: 0x120089 <nil>
}

func ExampleNtAccessCheck() {
	r := &access.Request{Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;BU)"), Desired: winnt.GENERIC_READ,
		Type: winnt.FileObject}
	r.Subject.Client = alice()
	call, _ := access.NtAccessCheck(r)
	fmt.Println(call)
	r.Desired = winnt.FILE_READ_DATA
	call, _ = access.NtAccessCheck(r)
	fmt.Println(call)
	// Output:
	// STATUS_GENERIC_NOT_MAPPED
	// STATUS_NO_IMPERSONATION_TOKEN
}

func ExampleCheckResultList() {
	class, property := winnt.GUID{1}, winnt.GUID{2}
	r := &access.Request{
		Descriptor: sddl.MustParse("O:BAG:SYD:(OA;;RP;" + property.String() + ";;WD)"),
		Subject:    access.SubjectOf(alice()),
		Desired:    winnt.ADS_RIGHT_DS_READ_PROP,
		Type:       winnt.DirectoryServiceObject,
		ObjectTypes: []access.ObjectTypeEntry{{Level: 0, GUID: class}, {Level: 1, GUID: property},
			{Level: 1, GUID: winnt.GUID{3}}},
	}
	results, _, err := access.CheckResultList(r)
	for _, n := range results {
		fmt.Println(n.Status(), n.Granted)
	}
	fmt.Println(err)
	// Output:
	// STATUS_ACCESS_DENIED 0x0
	// STATUS_SUCCESS 0x10
	// STATUS_ACCESS_DENIED 0x0
	// <nil>
}

func ExampleExplain() {
	r := &access.Request{
		Descriptor: sddl.MustParse("O:BAG:SYD:(D;;DC;;;BU)(A;;FR;;;WD)"),
		Subject:    access.SubjectOf(alice()),
		Desired:    winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA,
		Type:       winnt.FileObject,
	}
	_, x, err := access.Explain(r)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(x.Verdict())
	for _, s := range x.Steps {
		fmt.Printf("%s %d %s: %s\n", s.List, s.ACE, s.Rule, s.Because)
	}
	// Output:
	// DENIED STATUS_ACCESS_DENIED: entry 1 of the DACL denies FILE_WRITE_DATA
	// DACL 0 A-70: it denies a right that is still needed, so no later entry counts
}

func ExampleSeFastTraverseCheck() {
	d := sddl.MustParse("O:BAG:SYD:(A;;FX;;;WD)")
	s := access.SubjectOf(alice())
	fmt.Println(access.SeFastTraverseCheck(d, &s, winnt.FILE_TRAVERSE, winnt.DirectoryFileObject))
	// Output: true
}

func ExamplePrivilegeCheck() {
	ok, _, status := access.PrivilegeCheck(alice(), winnt.Privileges(winnt.SeBackupPrivilege), true)
	fmt.Println(ok, status)
	// Output: false STATUS_SUCCESS
}

// A malformed question is an error, and its decision denies.
func ExampleSeAccessCheck_malformed() {
	d, err := access.SeAccessCheck(nil)
	fmt.Println(d.Allowed(), errors.Is(err, access.ErrNoRequest))
	d, err = access.Check(nil, sddl.MustParse("D:"), winnt.FILE_READ_DATA, winnt.FileObject)
	fmt.Println(d.Allowed(), errors.Is(err, access.ErrNoToken))
	// Output:
	// false true
	// false true
}
