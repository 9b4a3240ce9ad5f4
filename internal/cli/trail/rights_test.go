package trail

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/winnt"
)

// The rights of a directory have the names for directories in every output format (U-75, U-76).
func TestDirectoryRightsHaveDirectoryNames(t *testing.T) {
	const rights = winnt.FILE_READ_DATA | winnt.FILE_WRITE_DATA | 0x20 | 0x40
	for _, c := range []struct {
		directory bool
		kind      float64
		want      string
	}{{false, 1, "ReadData,WriteData,Execute,0x40"}, {true, 2, "ListDirectory,AddFile,Traverse,DeleteChild"}} {
		e := requested(t, audit.Object{Type: "File", Name: "d", Directory: c.directory}, audit.Failure, rights)
		if line := Line(&e, nil, nil); !strings.Contains(line, "for "+c.want+": denied by D:(D;;FW;;;WD)") {
			t.Errorf("line %q, want the directory's names of the rights", line)
		}
		var o struct {
			AccessList []string `json:"access_list"`
			AccessMask float64  `json:"access_mask"`
			File       struct {
				TypeID float64 `json:"type_id"`
			}
		}
		check.NoError(t, json.Unmarshal([]byte(printed(t, "ocsf", e)), &o))
		check.That(t, strings.Join(o.AccessList, ",") == c.want && o.File.TypeID == c.kind && o.AccessMask == float64(rights),
			"OCSF object = %+v, want the directory's names and type", o)
		if got, err := audit.ParseEvent(e.AppendJSON(nil)); err != nil || IsDirectory(&got) != c.directory {
			t.Errorf("parsing the event: %v, want the same kind of file", err)
		}
	}
	e := requested(t, audit.Object{Type: "File", Name: "d", Directory: true}, audit.Failure, 1)
	text := string(e.AppendJSON(nil))
	check.That(t, strings.Contains(text, `"text":"ListDirectory"`) && strings.Contains(text,
		`"AccessReason":["%%4416:`), "JSON %s, want ListDirectory with its reason", text)
}

// TestRightsAreNamedByType checks that each right has the name that its type gives it, and a bit
// without a name is shown as a number. Source: winnt.h and the pages on access
// rights of files, processes and threads; directory objects: MS-ADTS 5.1.3.2.
func TestRightsAreNamedByType(t *testing.T) {
	const standard = "10000 DELETE 20000 READ_CONTROL 40000 WRITE_DAC 80000 WRITE_OWNER 100000 SYNCHRONIZE " +
		"1000000 ACCESS_SYSTEM_SECURITY 2000000 MAXIMUM_ALLOWED 10000000 GENERIC_ALL 20000000 GENERIC_EXECUTE " +
		"40000000 GENERIC_WRITE 80000000 GENERIC_READ"
	for typ, rights := range map[string]string{
		"File": "1 ReadData 2 WriteData 4 AppendData 8 ReadEA 10 WriteEA 20 Execute 40 0x40 80 ReadAttributes " +
			"100 WriteAttributes 200 0x200",
		"directory": "1 ListDirectory 2 AddFile 4 AddSubdirectory 8 ReadEA 10 WriteEA 20 Traverse 40 DeleteChild " +
			"80 ReadAttributes 100 WriteAttributes 200 0x200",
		"Key": "1 QueryValue 2 SetValue 4 CreateSubKey 8 EnumerateSubKeys 10 Notify 20 CreateLink 40 0x40 80 0x80 " +
			"100 Wow64_64Key 200 Wow64_32Key",
		"Token": "1 AssignPrimary 2 Duplicate 4 Impersonate 8 Query 10 QuerySource 20 AdjustPrivileges " +
			"40 AdjustGroups 80 AdjustDefault 100 AdjustSessionId 200 0x200",
		"Process": "1 Terminate 2 CreateThread 4 SetSessionId 8 VmOperation 10 VmRead 20 VmWrite 40 DupHandle " +
			"80 CreateProcess 100 SetQuota 200 SetInformation 400 QueryInformation 800 SuspendResume " +
			"1000 QueryLimitedInformation 2000 SetLimitedInformation 4000 0x4000",
		"Thread": "1 Terminate 2 SuspendResume 4 Alert 8 GetContext 10 SetContext 20 SetInformation " +
			"40 QueryInformation 80 SetThreadToken 100 Impersonate 200 DirectImpersonation 400 " +
			"SetLimitedInformation 800 QueryLimitedInformation 1000 Resume 2000 0x2000",
		"4662": "1 CreateChild 2 DeleteChild 4 ListChildren 8 Self 10 ReadProperty 20 WriteProperty 40 DeleteTree " +
			"80 ListObject 100 ControlAccess",
		"Strange": "1 0x1 8000 0x8000",
	} {
		r := stored{id: 4663, data: `"ObjectType":"` + typ + `"`}
		switch typ {
		case "directory":
			r.data = `"ObjectType":"File","ObjectDirectory":"%%1842"`
		case "4662":
			r = stored{id: 4662, data: `"ObjectType":"%{bf967aba-0de6-11d0-a285-00aa003049e2}"`}
		}
		e := r.event(t)
		words := strings.Fields(rights + " " + standard)
		for i := 0; i < len(words); i += 2 {
			var bit winnt.AccessMask
			check.NoError(t, check.Err(fmt.Sscanf(words[i], "%x", &bit)))
			check.Equal(t, RightName(e, bit), words[i+1], "%s: %#x", typ, uint32(bit))
		}
	}
	no := (stored{id: 4663, data: `"ObjectType":"File","ObjectDirectory":"%%1843"`}).event(t)
	check.That(t, !IsDirectory(no), "a record that says that the file is not a directory counts as one, want a file")
}
