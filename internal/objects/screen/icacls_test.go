package screen

import (
	"fmt"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/objects"
)

const icaclsText = `C:\My Plans BUILTIN\Administrators:(I)(OI)(CI)(F)
            NT AUTHORITY\SYSTEM:(I)(OI)(CI)(F)
            CORP\All Staff:(OI)(CI)(RX,W)
            CORP\alice:(DENY)(W,Rc)
            Mandatory Label\High Mandatory Level:(OI)(CI)(NW)

C:\one two NT AUTHORITY\Authenticated Users:(RX)

Successfully processed 2 files; Failed processing 0 files
`

// TestICACLSOutputIsParsed checks that the path ends where the other entries begin. The masks are those that icacls
// /grant sets, as Microsoft's page of icacls and the documented FILE_GENERIC_* rights say.
func TestICACLSOutputIsParsed(t *testing.T) {
	plans := `C:\My Plans | D:(A;OICIID;FA;;;BA)(A;OICIID;FA;;;SY)(A;OICI;0x1201bf;;;S-1-5-21-1-2-3-2000)` +
		`(D;;FW;;;S-1-5-21-1-2-3-1107)S:(ML;OICI;NW;;;HI)`
	check(t, icaclsText, plans, `C:\one two | D:(A;;0x1200a9;;;AU)`)
	check(t, strings.ReplaceAll(icaclsText, "\n", "\r\n"), plans, `C:\one two | D:(A;;0x1200a9;;;AU)`)
	check(t, "ä ö Everyone:(R)\n    S-1-5-21-9-9-9-1000:(N)\n", "ä ö | D:(A;;FR;;;WD)(D;;FA;;;S-1-5-21-9-9-9-1000)")
	check(t, `C:\a CORP\All Staff:(M)`, `C:\a | D:(A;;0x1301bf;;;S-1-5-21-1-2-3-2000)`)
	check(t, "C:\\My Plans CORP\\alice:(F)\n\nC:\\My NT Service\\TrustedInstaller:(R)\n",
		`C:\My Plans | D:(A;;FA;;;S-1-5-21-1-2-3-1107)`,
		`C:\My | D:(A;;FR;;;S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464)`)
	check(t, "a Everyone:(R)\n1 Dateien erfolgreich verarbeitet, bei 0 Dateien ist ein Fehler aufgetreten.\n"+
		"Successfully processed 1 files; Failed processing 0 files\nb Everyone:(GR,GE)\n",
		"a | D:(A;;FR;;;WD)", "b | D:(A;;GXGR;;;WD)")
}

// TestICACLSRefusesWhatItCannotRead checks that an entry with a name of another language, a line that the console
// broke, an entry without rights, an object without entries and an error of icacls make their object unreadable, and
// the next one is read (B-61).
func TestICACLSRefusesWhatItCannotRead(t *testing.T) {
	next := "\n\nb Everyone:(F)\n"
	for text, want := range map[string]string{
		"a Everyone:(F)\n  VORDEFINIERT\\Benutzer:(R)":     `a | error: "VORDEFINIERT\\Benutzer" is not an account…`,
		"a Everyone:(F)\n  CORP\\Nie\xe4mand:(DENY)(F)":    `a | error: the name "CORP\\Nie\xe4mand" is not UTF-8…`,
		"a Everyone:(F)\n  Everyone:(OI)\n  Everyone:(R)":  `a | error: icacls: the entry for "Everyone" has no rights…`,
		"a Everyone:(F)\n  Everyone:(VERWEIGERN)(F)":       `a | error: icacls: "VERWEIGERN" is not a right…`,
		"a Everyone:(F)\n  Everyone:(R\nX)":                `a Everyone:(F) | error: line 2: icacls: a line is not an…`,
		"a Everyone:(F)\n  Everyone:(R)\n   Everyone:(R)":  `a Everyone:(F) | error: line 3: icacls: a line is not an…`,
		"a Everyone:(F)\n    Everyone:(R)":                 `a Everyone:(F) | error: icacls: a line is not an…`,
		"a Everyone:(F)\nC:\\x":                            `a Everyone:(F) | error: line 2: icacls: a line is not an…`,
		"a Jeder:(F)":                                      `a Jeder:(F) | error: icacls: no known account is at the end…`,
		"a Everyone:(F)\n  Everyone:(R)\nC:\\b Jeder: (F)": `a Everyone:(F) | error: line 3: icacls: a line is not an…`,
	} {
		check(t, text+next, want, `b | D:(A;;FA;;;WD)`)
	}
	check(t, "\xe4 Everyone:(F)\n  Everyone:(R)"+next, "\xe4 Everyone:(F) | error: the text of icacls is not UTF-8…",
		`b | D:(A;;FA;;;WD)`)
	check(t, "a All Users:(R)"+next, "a All Users:(R) | error: icacls: no known account is at the end…",
		`b | D:(A;;FA;;;WD)`) // the account can be All Users or Users
	check(t, " a Everyone:(F)"+next, ` a Everyone:(F) | error: line 1: this is not an entry…`, `b | D:(A;;FA;;;WD)`)
	check(t, "a Everyone:(F)\n\nC:\\b\n", "a | D:(A;;FA;;;WD)", `C:\b | error: line 3: this is not an entry…`)
	check(t, "a Everyone:(F)\n\nC:\\v 1.\ndocx BUILTIN\\Users:(R)\n", "a | D:(A;;FA;;;WD)",
		`C:\v 1. | error: line 4: icacls: a line is not an…`)
	check(t, "Access is denied.\nC:\\x y: Access is denied.\na Everyone:(R)\n  Everyone:(R)\n"+
		"C:\\z: Zugriff verweigert\nSuccessfully processed 1 files; Failed processing 2 files\n"+next,
		"Access is denied. | error: line 1: icacls: Access is denied.", `C:\x y | error: line 2: icacls: Access is denied.`,
		"a | D:(A;;FR;;;WD)(A;;FR;;;WD)", `C:\z | error: line 5: icacls: Zugriff verweigert`, `b | D:(A;;FA;;;WD)`)
	const null = " No permissions are set. All users have full control.\n"
	check(t, `C:\a b`+null+"  Mandatory Label\\High Mandatory Level:(NW)\n\nc"+null+"  Everyone:(R)\n"+next,
		`C:\a b | D:NO_ACCESS_CONTROLS:(ML;;NW;;;HI)`, "c | error: line 4: icacls: the object has no DACL and…",
		`b | D:(A;;FA;;;WD)`)
	check(t, "a Everyone:(F)"+strings.Repeat("\n  Everyone:(F)", maxEntries+1)+next,
		fmt.Sprintf("a Everyone:(F) | error: line %d: icacls…", maxEntries+2), `b | D:(A;;FA;;;WD)`)
	testReadError(t, newICACLS, icaclsText)
}

// TestFormsWithoutOwnerSaySo checks that each object of icacls has the note that the owner is missing, and that the
// form names the other missing parts (B-60). Get-Acl prints whole descriptors, so its form names none.
func TestFormsWithoutOwnerSaySo(t *testing.T) {
	for text, lossy := range map[string]bool{icaclsText: true, getAclText: false} {
		open, err := Detect(text)
		if err != nil || open == nil {
			t.Fatal(err)
		}
		s := open(strings.NewReader(text))
		if (objects.Loss(s) != "") != lossy {
			t.Errorf("Loss = %q, want one: %t", objects.Loss(s), lossy)
		}
		var b objects.Batch
		objects.UseNames(s, lookup)
		if err := s.Next(&b); err != nil {
			t.Fatal(err)
		}
		b.Each(func(o *objects.Object) {
			if (o.Note == objects.NoteNoOwner) != lossy {
				t.Errorf("%s: note %q, want NoteNoOwner: %t", o.Path, o.Note, lossy)
			}
		})
	}
}
