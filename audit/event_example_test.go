package audit_test

import (
	"fmt"
	"slices"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// admin returns the token of an administrator that holds SeSecurityPrivilege.
func admin(privileges string) *token.Token {
	t, err := token.Parse([]byte(`{"user":"S-1-5-21-1-2-3-500","groups":["BA"],"privileges":[` + privileges + `]}`))
	if err != nil {
		panic(err)
	}
	return t
}

// A server with objects of its own writes the records of their life.
func ExampleHandleRequested() {
	from := audit.Origin{ProcessID: 8, ProcessName: "blobd"}
	o := audit.Object{Type: "Blob", Name: "b/1", Handle: 4}
	before, after := sddl.MustParse("D:(A;;FR;;;WD)S:(AU;FA;FA;;;WD)"), sddl.MustParse("D:(A;;FA;;;BA)S:(AU;SA;FA;;;WD)")
	switched, ok := audit.RightsAdjusted(from, admin(""), admin(`"SeBackupPrivilege"`))
	for _, e := range []audit.Event{
		audit.HandleRequested(from, o, audit.HandleRequest{}),
		audit.ObjectAccessed(from, o, winnt.FILE_READ_DATA, before),
		audit.HandleDuplicated(from, 4, 8, 12, 16),
		audit.PrivilegedObject(from, o, winnt.WRITE_OWNER, winnt.Privileges(winnt.SeTakeOwnershipPrivilege), audit.Success),
		audit.PermissionsChanged(from, o, before, after, winnt.DACL_SECURITY_INFORMATION),
		audit.AuditSettingsChanged(from, o, before, after),
		audit.ObjectDeleted(from, o),
		audit.HandleClosed(from, o),
		audit.DirectoryAccessed(from, o, audit.DirectoryOperation{Access: winnt.ADS_RIGHT_DS_READ_PROP}),
		switched,
	} {
		name, _ := e.Field("ObjectName")
		fmt.Printf("%d %s %q\n", e.ID, e.Subcategory, name)
	}
	fmt.Println(ok, audit.TypeSubcategory("Key"),
		audit.PrivilegeSubcategory(winnt.Privileges(winnt.SeTakeOwnershipPrivilege)))
	// Output:
	// 4656 Kernel Object "b/1"
	// 4663 Kernel Object "b/1"
	// 4690 Handle Manipulation ""
	// 4674 Sensitive Privilege Use "b/1"
	// 4670 Authorization Policy Change "b/1"
	// 4907 Audit Policy Change "b/1"
	// 4660 Kernel Object ""
	// 4658 Kernel Object ""
	// 4662 Directory Service Access "b/1"
	// 4703 Token Right Adjusted Events ""
	// true Registry Sensitive Privilege Use
}

// Every kind of record is described, and can be made from its fields.
func ExampleMake() {
	for k := range audit.Kinds {
		if k.ID == 4904 {
			fmt.Println(slices.Contains(slices.Collect(k.Fields()), "AuditSourceName"))
		}
	}
	e, err := audit.Make(4904, audit.Success, audit.Origin{},
		audit.Values{"AuditSourceName": {audit.FromUTF16([]uint16{'b', 'o', 'b'})}})
	h := e.Header
	h.Computer = "fs1"
	e = e.WithHeader(h)
	name, _ := e.Field("AuditSourceName")
	fmt.Println(e.ID, e.Computer, name, err)
	_, err = audit.Make(4904, audit.Success, audit.Origin{}, audit.Values{"Nonsense": {"1"}})
	fmt.Println(err != nil)
	// Output:
	// true
	// 4904 fs1 bob <nil>
	// true
}

// A policy with a global SACL, and the privilege to change it.
func ExampleLog_ChangePolicy() {
	next, err := audit.NewPolicy(audit.PolicySpec{
		System:      map[audit.Subcategory]audit.Setting{audit.FileSystem: audit.OnFailure},
		GlobalSACLs: map[string]*sd.ACL{"File": sddl.MustParse("S:(AU;FA;FA;;;WD)").SACL()},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(next.Anyone(audit.FileSystem, audit.Failure), next.Anyone(audit.FileSystem, audit.Success),
		next.GlobalSACL("File").Len(), next.GlobalSACL("Key").Len())
	var sink audit.Memory
	log := audit.Log{Sink: &sink}
	fmt.Println(log.ChangePolicy(audit.Origin{Subject: access.SubjectOf(admin(""))}, next))
	fmt.Println(log.ChangePolicy(audit.Origin{Subject: access.SubjectOf(admin(`"SeSecurityPrivilege"`))}, next))
	fmt.Println(sink.Len() > 0, sink.Dropped())
	used := winnt.Privileges(winnt.SeBackupPrivilege, winnt.SeTcbPrivilege)
	fmt.Println(next.AuditedPrivileges(used) == winnt.Privileges(winnt.SeTcbPrivilege))
	// Output:
	// true false 1 0
	// STATUS_PRIVILEGE_NOT_HELD
	// STATUS_SUCCESS
	// true 0
	// true
}

// Kernel code calls services constantly on behalf of the system, so only calls of other accounts are recorded.
func ExampleLog_ServiceCalledFromKernel() {
	policy, err := audit.NewPolicy(audit.PolicySpec{
		System: map[audit.Subcategory]audit.Setting{audit.SensitivePrivilegeUse: audit.OnSuccess}})
	if err != nil {
		fmt.Println(err)
		return
	}
	var sink audit.Memory
	log := audit.Log{Sink: &sink}
	log.Policy.Store(policy)
	for _, user := range []sid.SID{sid.LocalSystem, sid.Administrators} {
		t, err := token.New(token.Spec{User: token.Group{SID: user}})
		if err != nil {
			fmt.Println(err)
			return
		}
		log.ServiceCalledFromKernel(audit.Origin{Subject: access.SubjectOf(t)}, "Security", "LsaRegister",
			winnt.Privileges(winnt.SeTcbPrivilege), audit.Success)
		fmt.Println(sink.Len())
	}
	// Output:
	// 0
	// 1
}

// A handle's rights are recorded when they are first used, each once.
func ExampleHandleAudit_Use() {
	h := audit.HandleAudit{Audited: 0x3, Pending: 0x3}
	for range 2 {
		var report winnt.AccessMask
		report, h = h.Use(winnt.FILE_READ_DATA)
		fmt.Println(report)
	}
	// Output:
	// 0x1
	// 0x0
}
