package screen

import (
	"fmt"
	"strings"
	"testing"
)

const accessChkText = `
Accesschk v6.15 - Reports effective permissions for securable objects
Copyright (C) 2006-2022 Mark Russinovich
Sysinternals - www.sysinternals.com

C:\Data\plan.docx
  DESCRIPTOR FLAGS:
      [SE_DACL_PRESENT]
      [SE_DACL_PROTECTED]
  OWNER: BUILTIN\Administrators
  [0] ACCESS_DENIED_ACE_TYPE: CORP\Staff
	FILE_WRITE_DATA
	FILE_APPEND_DATA

  [1] ACCESS_ALLOWED_ACE_TYPE: BUILTIN\Administrators
	  [OBJECT_INHERIT_ACE]
	  [INHERITED_ACE]
	FILE_ALL_ACCESS
C:\Data\key
  Medium Mandatory Level (Default) [No-Write-Up]
  [0] ACCESS_ALLOWED_ACE_TYPE: Everyone
	0x120089
`

// TestAccessChkEntriesAreRead reads owner, entries in order, flags and rights of the output with -l. The names are
// those of winnt.h.
func TestAccessChkEntriesAreRead(t *testing.T) {
	check(t, accessChkText, `C:\Data\plan.docx | O:BAD:P(D;;DCLC;;;S-1-5-21-1-2-3-2000)(A;OIID;FA;;;BA)`,
		`C:\Data\key | D:(A;;FR;;;WD)`)
	check(t, "HKLM\\x\n  High Mandatory Level [No-Write-Up, No-Read-Up]\n  [0] ACCESS_ALLOWED_ACE_TYPE: Everyone\n"+
		"\tKEY_READ\n", "HKLM\\x | D:(A;;KR;;;WD)S:(ML;;NWNR;;;HI) | Key")
	check(t, "a\n  [0] ACCESS_ALLOWED_ACE_TYPE: Everyone\n\tFILE_READ_DATA\n"+
		"  [0] SYSTEM_MANDATORY_LABEL_ACE_TYPE: Mandatory Label\\High Mandatory Level\n"+
		"\tSYSTEM_MANDATORY_LABEL_NO_WRITE_UP\n\tSYSTEM_MANDATORY_LABEL_NO_READ_UP\n",
		"a | D:(A;;CC;;;WD)S:(ML;;NWNR;;;HI)")
	check(t, "a\n  LABEL: High Mandatory Level [No-Write-Up]\n  [0] ACCESS_ALLOWED_ACE_TYPE: Everyone\n"+
		"\tFILE_READ_DATA\n", "a | D:(A;;CC;;;WD)S:(ML;;NW;;;HI)")
	check(t, "a\n  DESCRIPTOR FLAGS:\n    [SE_DACL_PRESENT]\n", "a | D:")
	check(t, "a\n  DESCRIPTOR FLAGS:\n    [SE_DACL_PRESENT]\n    [SE_DACL_AUTO_INHERITED]\n", "a | D:AI")
	check(t, "a\n  DESCRIPTOR FLAGS:\n    [SE_DACL_AUTO_INHERITED]\n    [SE_DACL_PROTECTED]\n    [SE_DACL_PRESENT]\n",
		"a | D:PAI")
	check(t, "a\n  [0] ACCESS_ALLOWED_ACE_TYPE: Everyone\n\tFILE_READ_DATA\n  [0] SYSTEM_AUDIT_ACE_TYPE: Jeder\n"+
		"\t[FAILED_ACCESS_ACE_FLAG]\n\tDELETE\n  [1] SYSTEM_ALARM_ACE_TYPE: Jeder\n", "a | D:(A;;CC;;;WD)")
	check(t, "a\n  [0] ACCESS_ALLOWED_ACE_TYPE: Everyone\n\t[OBJECT_INHERIT_ACE]\n\t[INHERIT_ONLY_ACE]\n\t0x1\n"+
		"\t0x2\n  [1] ACCESS_ALLOWED_ACE_TYPE: BUILTIN\\Users\n\t0x4\n", "a | D:(A;OIIO;CCDC;;;WD)(A;;LC;;;BU)")
	const label = "  [%d] SYSTEM_MANDATORY_LABEL_ACE_TYPE: Mandatory Label\\%s Mandatory Level\n" +
		"\t[CONTAINER_INHERIT_ACE]\n\tSYSTEM_MANDATORY_LABEL_NO_EXECUTE_UP\n"
	const levels = "  Medium Mandatory Level [No-Execute-Up]\n  High Mandatory Level [No-Write-Up]\n"
	first, second := fmt.Sprintf(label, 0, "Low"), fmt.Sprintf(label, 1, "High")
	check(t, "a\n  DESCRIPTOR FLAGS:\n    [SE_DACL_PRESENT]\n"+first+second, "a | D:S:(ML;CI;NX;;;LW)")
	check(t, "a\n  DESCRIPTOR FLAGS:\n    [SE_DACL_PRESENT]\n"+levels+first, "a | D:S:(ML;;NX;;;ME)")
	testReadError(t, newAccessChk, accessChkText)
}

// TestAccessChkRefusesWhatItCannotRead rejects texts of which an entry or a part of one would be left out.
func TestAccessChkRefusesWhatItCannotRead(t *testing.T) {
	const head = "a\n  [0] ACCESS_ALLOWED_ACE_TYPE: Everyone\n\tFILE_READ_DATA\n"
	for text, want := range map[string]string{
		"  [2] ACCESS_DENIED_ACE_TYPE: Everyone\n\tFILE_READ_DATA\n":  "entry 1 is missing",
		"  [1] ACCESS_ALLOWED_OBJECT_ACE_TYPE: Everyone\n":            "does not print ACCESS_ALLOWED_OBJECT",
		"  [1] ACCESS_DENIED_CALLBACK_ACE_TYPE: Everyone\n":           "does not print ACCESS_DENIED_CALLBACK",
		"  [1] ACCESS_DENIED_ACE_TYPE: Jeder\n\tFILE_READ_DATA\n":     `"Jeder" is not an account`,
		"  [1] ACCESS_DENIED_ACE_TYPE: Everyone\n":                    "entry 1 has no rights",
		"  [1] ACCESS_DENIED_ACE_TYPE: Everyone\n\tSERVICE_START\n":   "SERVICE_START is not known",
		"  [1] ACCESS_DENIED_ACE_TYPE: Everyone\n\t[STRANGE_ACE]\n":   "STRANGE_ACE is not known",
		"  [0] ACCESS_DENIED_ACE_TYPE: Everyone\n\tFILE_READ_DATA\n":  "begin again",
		"  [0] ACCESS_ALLOWED_ACE_TYPE: Everyone\n\tFILE_READ_DATA\n": "begin again", "  OWNER: Jeder\n": `"Jeder" is not an`,
		"  RW Everyone\n":          "is not a line of accesschk -l",
		"  High Mandatory Level\n": "is not a line of accesschk -l",
		"\tSYSTEM_MANDATORY_LABEL_NO_WRITE_UP\n": "line 4: accesschk: the right SYSTEM_MANDATORY_" +
			"LABEL_NO_WRITE_UP is not known",
	} {
		got, err := rows(t, head+text+"b\n"+strings.TrimPrefix(head, "a\n"))
		if err != nil || len(got) != 2 || !strings.HasPrefix(got[0], "a | error: ") || !strings.Contains(got[0], want) ||
			got[1] != "b | D:(A;;CC;;;WD)" {
			t.Errorf("%s: %q, %v, want %s", text, got, err, want)
		}
	}
	check(t, "a\n  DESCRIPTOR FLAGS:\n    [STRANGE]\n    [SE_DACL_PRESENT]\n",
		"a | error: line 3: accesschk: the flag STRANGE is not known…")
	const entry = "  [0] ACCESS_ALLOWED_ACE_TYPE: Everyone\n\t0x1\n"
	check(t, entry, "  [0] ACCESS_ALLOWED_ACE_TYPE: Everyone | error: accesschk: the line is not below an object")
	check(t, "a\n  Odd Mandatory Level\n"+entry, `a | error: line 2: "Mandatory Label\\Odd Mandatory Level" is not an…`)
	check(t, "a\n\tDELETE\n"+entry, `a | error: line 2: accesschk: "DELETE" is not a line…`)
	check(t, "a\n  DESCRIPTOR FLAGS:\n    [SE_SELF_RELATIVE]\n", "a | error: accesschk: the object has neither entries…")
	var long strings.Builder
	for i := range maxEntries + 1 {
		fmt.Fprintf(&long, "  [%d] ACCESS_ALLOWED_ACE_TYPE: Everyone\n\t0x1\n", i)
	}
	check(t, "a\n"+long.String(), "a | error: the object has more than 8192 entries")
}
