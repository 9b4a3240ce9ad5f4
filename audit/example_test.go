package audit_test

import (
	"fmt"
	"strings"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/sddl"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

func Example() {
	policy, err := audit.NewPolicy(audit.PolicySpec{
		System: map[audit.Subcategory]audit.Setting{audit.FileSystem: audit.OnBoth}})
	if err != nil {
		fmt.Println(err)
		return
	}
	var sink audit.Memory
	log := audit.Log{Sink: &sink}
	log.Policy.Store(policy)

	alice, err := token.New(token.Spec{
		User:   token.Group{SID: sid.MustParse("S-1-5-21-1-2-3-1107")},
		Groups: []token.Group{{SID: sid.Everyone, Attributes: token.GroupDefault}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	req := access.Request{
		Descriptor: sddl.MustParse("O:BAG:SYD:(A;;FR;;;WD)S:(AU;SAFA;FW;;;WD)"),
		Subject:    access.Subject{Primary: alice},
		Desired:    winnt.FILE_WRITE_DATA,
		Type:       winnt.FileObject,
	}
	dec, err := access.SeAccessCheck(&req)
	if err != nil {
		fmt.Println(err)
		return
	}
	if log.Policy.Opens() {
		log.Opened(&audit.Opening{Object: audit.Object{Type: "File", Name: `\report.txt`}, Request: &req, Decision: dec})
	}
	for e := range sink.Events() {
		name, _ := e.Field("ObjectName")
		fmt.Println(e.ID, e.Outcome, e.Subcategory, name)
		for f := range e.Fields() {
			if f.Name == "AccessReason" {
				for reason := range f.Items() {
					fmt.Printf("%q\n", reason)
				}
			}
		}
	}
	// Output:
	// 4656 failure File System \report.txt
	// "%%4417:\t%%1805"
}

func ExamplePolicy_Records() {
	alice, bob := sid.MustParse("S-1-5-21-1-2-3-1107"), sid.MustParse("S-1-5-21-1-2-3-1108")
	policy, err := audit.NewPolicy(audit.PolicySpec{
		System: map[audit.Subcategory]audit.Setting{audit.FileSystem: audit.OnFailure},
		Users: map[sid.SID]map[audit.Subcategory]audit.UserSetting{
			alice: {audit.FileSystem: {Include: audit.OnSuccess}},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(policy.Records(audit.FileSystem, audit.Success, alice, false))
	fmt.Println(policy.Records(audit.FileSystem, audit.Success, bob, false))
	// Output:
	// true
	// false
}

func ExampleNewLines() {
	var out strings.Builder
	sink := audit.NewLines(&out)
	e := audit.PrivilegedService(audit.Origin{}, "Refmon Server", "Refmon", winnt.Privileges(winnt.SeTcbPrivilege),
		audit.Success)
	if err := sink.Write(e); err != nil {
		fmt.Println(err)
	}
	line, data, _ := strings.Cut(out.String(), `,"data":`)
	fmt.Println(strings.ReplaceAll(line, `,"`, ",\n\""))
	fmt.Println(strings.Contains(data, `"PrivilegeList":["SeTcbPrivilege"]`))
	// Output:
	// {"id":1,
	// "time":"1601-01-01T00:00:00Z",
	// "event":4673,
	// "version":0,
	// "outcome":"success",
	// "subcategory":"Sensitive Privilege Use",
	// "subcategory_guid":"{0CCE9228-69AE-11D9-BED3-505054503030}",
	// "computer":""
	// true
}

func ExampleParseSubcategory() {
	s, err := audit.ParseSubcategory("{0CCE921D-69AE-11D9-BED3-505054503030}")
	fmt.Println(s, s.Task(), s.Category(), err)
	// Output:
	// File System 12800 Object Access <nil>
}

func ExampleRights() {
	for r := range audit.Rights("File", winnt.READ_CONTROL|winnt.FILE_READ_DATA) {
		fmt.Println(r.Code, r.Text)
	}
	// Output:
	// 1538 READ_CONTROL
	// 4416 ReadData
}
