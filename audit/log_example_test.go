package audit_test

import (
	"fmt"

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
