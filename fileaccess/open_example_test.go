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
	"github.com/refmon/refmon/token"
	"github.com/refmon/refmon/winnt"
)

// entry is a file or directory in the store of a file server.
type entry struct {
	dir  bool
	attr fileaccess.Attributes
	sd   *sd.Descriptor
}

var (
	store = map[string]*entry{
		"": {dir: true, sd: sddl.MustParse("O:BAG:BAD:AI(A;OICI;FA;;;BA)(A;OICI;0x1200A9;;;WD)")},
		"reports": {dir: true,
			sd: sddl.MustParse("O:BAG:BAD:AI(A;OICI;FA;;;BA)(A;OICI;0x1301BF;;;S-1-5-21-1-2-3-2001)")},
		`reports\q3.xlsx`:    {sd: sddl.MustParse("O:BAG:BAD:AI(A;ID;FA;;;BA)(A;ID;0x1301BF;;;S-1-5-21-1-2-3-2001)")},
		`reports\board.docx`: {sd: sddl.MustParse("O:BAG:BAD:(A;;FA;;;BA)")},
	}
	public = fileaccess.Share{Descriptor: sddl.MustParse("D:(A;;0x1301BF;;;WD)")}
)

// createFile decides an SMB2 CREATE request: it looks up the name, asks for a decision and executes it.
func createFile(s access.Subject, name string, desired winnt.AccessMask, d fileaccess.Disposition) (fileaccess.Handle,
	ntstatus.Status) {
	req := fileaccess.Request{Subject: s, Desired: desired, Disposition: d, Share: fileaccess.ShareRead,
		Face: fileaccess.SMB, Name: name}
	facts := fileaccess.Facts{Share: &public}
	for i := 0; i < len(name); i++ { // the directories on the path
		if name[i] == '\\' {
			c := fileaccess.Component{Name: name[:i]}
			if e := store[c.Name]; e != nil {
				c.Exists, c.IsDirectory, c.Descriptor = true, e.dir, e.sd
			}
			facts.Path = append(facts.Path, c)
		}
	}
	facts.Parent = &fileaccess.Directory{Descriptor: store[""].sd}
	if n := len(facts.Path); n > 0 {
		facts.Parent = &fileaccess.Directory{Name: facts.Path[n-1].Name, Descriptor: facts.Path[n-1].Descriptor}
	}
	if e := store[name]; e != nil {
		facts.Object = fileaccess.Object{Exists: true, IsDirectory: e.dir, Attributes: e.attr, Descriptor: e.sd}
	}
	dec := fileaccess.Open(&req, &facts)
	if dec.Allowed() && dec.NewSD != nil {
		store[name] = &entry{sd: dec.NewSD}
	}
	return fileaccess.Handle{Granted: dec.Granted, Face: fileaccess.SMB, Subject: &req.Subject}, dec.Status()
}

// A file server decides opens.
func Example() {
	alice, err := token.Parse([]byte(`{"user":"S-1-5-21-1-2-3-1107","groups":["S-1-5-21-1-2-3-2001","WD"],
		"type":"Impersonation","privileges":["SeChangeNotifyPrivilege"]}`))
	if err != nil {
		fmt.Println(err)
		return
	}
	s := access.SubjectOf(alice)
	for _, o := range []struct {
		name    string
		desired winnt.AccessMask
		d       fileaccess.Disposition
	}{
		{`reports\q3.xlsx`, winnt.GENERIC_READ, fileaccess.FileOpen},
		{`reports\q3.xlsx`, winnt.WRITE_DAC, fileaccess.FileOpen},
		{`reports\board.docx`, winnt.GENERIC_READ, fileaccess.FileOpen},
		{`reports\new.txt`, winnt.MAXIMUM_ALLOWED, fileaccess.FileCreate},
		{`readme.txt`, winnt.GENERIC_WRITE, fileaccess.FileOpenIf},
		{`nowhere\x`, winnt.GENERIC_READ, fileaccess.FileOpen},
	} {
		h, st := createFile(s, o.name, o.desired, o.d)
		fmt.Println(o.name, st, h.Granted, h.May(fileaccess.Write) == ntstatus.Success)
	}
	// Output:
	// reports\q3.xlsx STATUS_SUCCESS 0x120089 false
	// reports\q3.xlsx STATUS_ACCESS_DENIED 0x0 false
	// reports\board.docx STATUS_ACCESS_DENIED 0x0 false
	// reports\new.txt STATUS_SUCCESS 0x1301bf true
	// readme.txt STATUS_ACCESS_DENIED 0x0 false
	// nowhere\x STATUS_OBJECT_PATH_NOT_FOUND 0x0 false
}

func ExampleExplain() {
	user, _ := token.Parse([]byte(`{"user":"S-1-5-21-1-2-3-1107","groups":["WD"],"type":"Impersonation"}`))
	r := fileaccess.Request{Subject: access.SubjectOf(user),
		Desired: winnt.DELETE | winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA, Disposition: fileaccess.FileOpen, Name: "f"}
	f := fileaccess.Facts{
		Parent: &fileaccess.Directory{Descriptor: sddl.MustParse("O:BAG:BAD:(A;;0x41;;;WD)")},
		Object: fileaccess.Object{Exists: true, Descriptor: sddl.MustParse("O:BAG:BAD:(D;;FW;;;WD)(A;;FA;;;WD)")},
	}
	_, x := fileaccess.Explain(&r, &f)
	fmt.Print(x)
	// Output:
	// DENIED STATUS_ACCESS_DENIED by F-44
	// 0x1        FILE_READ_DATA         granted  entry 2 of the DACL allows it
	// 0x2        FILE_WRITE_DATA        refused  entry 1 of the DACL denies it
	// 0x10000    DELETE                 granted  entry 2 of the DACL allows it
}

func ExampleConnect() {
	user, _ := token.Parse([]byte(`{"user":"S-1-5-21-1-2-3-1107","groups":["WD"],"type":"Impersonation"}`))
	s := access.SubjectOf(user)
	tree, st := fileaccess.Connect(&s, &public, nil)
	fmt.Println(st, tree.Maximal)
	// Output: STATUS_SUCCESS 0x1301bf
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

// Make the audit record of an open. Package audit evaluates the SACL, and the explanation has the reasons (F-80).
func Example_audit() {
	policy, _ := audit.NewPolicy(audit.PolicySpec{
		System: map[audit.Subcategory]audit.Setting{audit.FileSystem: audit.OnBoth}})
	r := fileaccess.Request{Subject: user(), Desired: winnt.FILE_READ_DATA | winnt.DELETE,
		Disposition: fileaccess.FileOpen, Name: `reports\q3.xlsx`}
	f := fileaccess.Facts{
		Parent: &fileaccess.Directory{Descriptor: sddl.MustParse("O:BAG:BAD:(A;;0x40;;;WD)")},
		Object: fileaccess.Object{Exists: true, Descriptor: sddl.MustParse("O:BAG:BAD:(A;;FR;;;WD)S:(AU;SAFA;FA;;;WD)")},
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
		audit.HandleRequest{Access: v.Access, Reasons: reasons, Privileges: d.PrivilegesUsed, Descriptor: d.Audit.Descriptor})
	text, _ := e.Field("AccessReason")
	fmt.Println(v.Success, e.ID, strings.Join(strings.Fields(text), " "))
	// Output: true 4656 %%1537: %%1811 %%4416: %%1801 D:(A;;FR;;;WD)
}

// A server that looks up paths itself checks the name first. If the lookup stops at a link, the client gets the rest
// of the path and resolves it again.
func ExampleRequest_Unparsed() {
	r := fileaccess.Request{Name: `reports\now\q3.xlsx`}
	fmt.Println(fileaccess.ValidName(r.Name), fileaccess.ValidName(`reports\..\q3.xlsx`))
	fmt.Println(r.Unparsed(1))
	// Output:
	// true false
	// \q3.xlsx
}
