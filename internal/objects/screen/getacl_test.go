package screen

import (
	"strings"
	"testing"
)

const getAclText = `

Path   : Microsoft.PowerShell.Core\FileSystem::C:\Temp
Owner  : BUILTIN\Administrators
Group  : CORP\Domain Users
Access : BUILTIN\Administrators Allow  FullControl
         NT AUTHORITY\SYSTEM Allow  FullControl
Audit  :
Sddl   : O:BAG:DUD:PAI(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)(A;OICI;0x1200a9;;;BU)(A;
         ID;0x1301bf;;;AU)

Path   : Microsoft.PowerShell.Core\Registry::HKEY_LOCAL_MACHINE\SOFTWARE\Exa
         mple
Sddl   : O:SYG:SYD:(A;CI;KA;;;BA)

Path   : C:\without
Owner  : BUILTIN\Administrators
`

// TestGetAclRowsAreRead checks that Path and Sddl are used, and that a value that the console wrapped continues in the
// next lines.
func TestGetAclRowsAreRead(t *testing.T) {
	check(t, getAclText, `C:\Temp | O:BAG:S-1-5-21-1-2-3-513D:PAI(A;OICI;FA;;;BA)(A;OICI;FA;;;SY)`+
		`(A;OICI;0x1200a9;;;BU)(A;ID;0x1301bf;;;AU)`,
		`HKEY_LOCAL_MACHINE\SOFTWARE\Example | O:SYG:SYD:(A;CI;KA;;;BA) | Key`,
		`C:\without | error: the object has no line Sddl…`)
	check(t, "Path : C:\\long name that goes\n       on here\nSddl : D:(A;;FR;;;WD)(A;;FR;;;WD)\n",
		`C:\long name that goes on here | D:(A;;FR;;;WD)(A;;FR;;;WD)`)
	// The first line has more bytes than the last, and fewer characters.
	check(t, "Path : C:\\ääääääääääää\n       on here\nSddl : D:(A;;FR;;;WD)(A;;FR;;;WD)\n",
		`C:\ääääääääääää on here | D:(A;;FR;;;WD)(A;;FR;;;WD)`)
	check(t, "Path : Microsoft.ActiveDirectory.Management.dll\\ActiveDirectory:://RootDSE/CN=a,DC=b\n"+
		"Sddl : D:(A;;RP;;;WD)\n", "CN=a,DC=b | D:(A;;RP;;;WD) | DirectoryService")
	check(t, "Sddl : D:(A;;FR;;;WD)", "line 1 | D:(A;;FR;;;WD)")
	check(t, "Path : a\nSddl : D:(A;;FR;;;WD)(A;;F...", "a | error: the line Sddl is cut…")
	check(t, "Path : a\nSddl : D:(A;;FR;;;WD)(A;;F…", "a | error: the line Sddl is cut…")
	check(t, "PSPath : a\nPath :\nSddl : D:(A;;FR;;;WD)", "a | D:(A;;FR;;;WD)")
	check(t, "Path : a\nSddl : D:(A;;FA;;;WD)\nPath : b\nSddl : D:(A;;FR;;;WD)\nOwner : c\n\nSddl : D:",
		`line 1 | error: the property "path" appears twice…`, "line 7 | D:")
	check(t, "Path : a\nSddl :\n", "a | error: the object has no line Sddl…")
	check(t, "PSPath    : a\nSddl      : D:(A;;FR;;;BU)\n(D;;FA;;;WD)", "a | D:(A;;FR;;;BU)(D;;FA;;;WD)")
	check(t, "Path : a\n"+strings.Repeat(strings.Repeat("x", 1<<20)+"\n", 5)+"\nSddl : D:\n",
		"line 1 | error: the object is longer…", "line 8 | D:")
	testReadError(t, newGetAcl, getAclText)
}

// TestBrokenConditionIsAnError checks that a condition is read from a whole line and rejected in a broken one. The
// console removes blanks where it breaks a line, which could change a string of the condition (B-62).
func TestBrokenConditionIsAnError(t *testing.T) {
	const before, after = `D:(XA;;FR;;;WD;(@User.Title == "a`, `b"))`
	check(t, "Path : a\nSddl : "+before+" "+after, `a | D:(XA;;FR;;;WD;(@USER.Title == "a b"))`)
	check(t, "Path : a\nSddl : "+before+"\n       "+after, "a | error: the console broke the lines…")
	check(t, "Path : a\nSddl : D:\n"+strings.Replace(before[2:], "XA", "XD", 1)+after,
		"a | error: the console broke the lines…")
	check(t, before+"\n"+after, "line 1 | error: the console broke the lines…")
}

// TestSDDLContinuesOverOpenBracketLines checks that each descriptor begins a line, and continues where brackets are
// open or it begins no other descriptor.
func TestSDDLContinuesOverOpenBracketLines(t *testing.T) {
	const text = "O:BAG:SYD:(A;;FA;;;BA)(A;;FR;;;\nAU)\nO:SYG:SYD:(A;;FR;;;WD)\n\nD:PAI\n(A;;FA;;;SY)\n"
	check(t, text, "line 1 | O:BAG:SYD:(A;;FA;;;BA)(A;;FR;;;AU)", "line 3 | O:SYG:SYD:(A;;FR;;;WD)",
		"line 5 | D:PAI(A;;FA;;;SY)")
	check(t, "O:BAG:SY\nD:(A;;FR;;;WD)\n", "line 1 | error: the descriptor has no D: part…", "line 2 | D:(A;;FR;;;WD)")
	check(t, "S:(ML;;NW;;;\nHI)D:(A;;FR;;;WD)\nD:\n", "line 1 | D:(A;;FR;;;WD)S:(ML;;NW;;;HI)", "line 3 | D:")
	check(t, "D:(A;;FR;;;WD)\n\nhello\n", "line 1 | D:(A;;FR;;;WD)", "line 3 | error: this line is not a descriptor…")
	check(t, "D:(XA;;FR;;;WD;((a\nb)\nD:x))\n", "line 1 | error: the console broke the lines…")
	long := "D:(A;;FR;;;\n" + strings.Repeat(strings.Repeat("x", 1<<20)+"\n", 5)
	check(t, long+"\nD:(A;;FR;;;WD)\n", "line 1 | error: the descriptor is longer…", "line 8 | D:(A;;FR;;;WD)")
	testReadError(t, newSDDL, text)
}
