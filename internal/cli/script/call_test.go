package script

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/calltext"
	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/kernel"
	"github.com/refmon/refmon/nt"
)

// headers is where Debian's mingw-w64-common puts the headers of the driver
// kit, whose prototypes have the documented names.
const headers = "/usr/share/mingw-w64/include"

var (
	headerComment = regexp.MustCompile(`(?s)/\*.*?\*/|//[^\n]*`)
	prototype     = regexp.MustCompile(`(?s)\b(?:NTAPI|WINAPI)\s+([A-Z][A-Za-z]+)\s*\(` +
		`([^;{}()]*(?:\([^()]*\)[^;{}()]*)*)\)\s*;`)
	lastName = regexp.MustCompile(`([A-Za-z_]\w*)\s*(?:\[[^\]]*\])?\s*$`)
)

// prototypes returns the names of the parameters of each function that a header
// declares.
func prototypes(source string) map[string][]string {
	found := map[string][]string{}
	source = headerComment.ReplaceAllString(source, " ")
	for _, m := range prototype.FindAllStringSubmatch(source, -1) {
		var names []string
		for _, p := range strings.Split(m[2], ",") {
			p = strings.TrimSpace(strings.ReplaceAll(p, "OPTIONAL", " "))
			words := strings.Fields(p)
			if name := lastName.FindStringSubmatch(p); len(words) > 1 && name != nil {
				names = append(names, name[1])
			}
		}
		if len(names) > 0 && found[m[1]] == nil {
			found[m[1]] = names
		}
	}
	return found
}

// TestParametersAreNamedAsInHeaders compares the parameters of each row with the
// prototypes of mingw-w64, in the order of the prototype.
func TestParametersAreNamedAsInHeaders(t *testing.T) {
	declared := map[string][]string{}
	for _, name := range []string{"ddk/ntifs.h", "ddk/wdm.h", "ddk/ntddk.h", "winternl.h"} {
		b, err := os.ReadFile(filepath.Join(headers, name))
		if err != nil {
			t.Skipf("the headers of Debian's mingw-w64-x86-64-dev are not here: %v", err)
		}
		for function, names := range prototypes(string(b)) {
			if declared[function] == nil {
				declared[function] = names
			}
		}
	}
	compared := 0
	for _, table := range []*nt.Table{&nt.NtTable, &kernel.Table} {
		for row := range table.All {
			name := row.Info().Name
			want := declared[name]
			if want == nil {
				continue
			}
			compared++
			compareParameters(t, row, want)
		}
	}
	check.That(t, compared >= 90, "only %d rows were found in the headers, want at least 90", compared)
}

// compareParameters fails for a name that only one side has, unless the maps without or besides have a reason.
func compareParameters(t *testing.T, row *nt.Row, want []string) {
	t.Helper()
	name := row.Info().Name
	var ours []string
	for _, p := range slices.Concat(calltext.Parameters(row.InType()), calltext.Parameters(row.OutType())) {
		ours = append(ours, p.Name)
	}
	for _, w := range want {
		check.That(t, slices.Contains(ours, w) || without[w] != "" || without[name+"."+w] != "",
			"%s: parameter %s of the header is missing in %q, want it", name, w, ours)
	}
	for _, o := range ours {
		check.That(t, slices.Contains(want, o) || besides[o] != "" || besides[name+"."+o] != "",
			"%s: our %s is not in the header, %q", name, o, want)
	}
}

// without are parameters of headers that rows do not have, and why. A name
// without a row is meant in all of them.
var without = map[string]string{
	"ApcContext":           "a call answers at once: no completion is called",
	"ApcRoutine":           "a call answers at once: no completion is called",
	"Event":                "a call answers at once: no event is set",
	"InputBuffer":          "the controls that are built take no buffer",
	"InputBufferLength":    "the controls that are built take no buffer",
	"IoStatusBlock":        "the status is the call's, the count has a name of its own",
	"Key":                  "files have no byte-range locks",
	"Object":               "the routine works on values alone",
	"ObjectTypeLength":     "ObjectTypeList has its length",
	"OutputBuffer":         "the controls that are built give no buffer",
	"OutputBufferLength":   "the controls that are built give no buffer",
	"PoolType":             "memory has no pools",
	"TimerApcRoutine":      "no routine is called when a timer's time has come",
	"TimerContext":         "no routine is called when a timer's time has come",
	"SubjectContextLocked": "a subject is a value that nothing can change",

	"LsaLogonUser.LsaHandle":                       "who may what follows from the caller's token",
	"LsaLogonUser.OriginName":                      "nothing is recorded of it",
	"LsaLogonUser.AuthenticationPackage":           "one package answers both messages",
	"LsaLogonUser.AuthenticationInformationLength": "AuthenticationInformation has its length",
	"LsaLogonUser.ProfileBuffer":                   "no profile is kept",
	"LsaLogonUser.ProfileBufferLength":             "no profile is kept",
	"LsaLogonUser.Quotas":                          "no quotas are kept",
	"LsaOpenPolicy.ObjectAttributes":               "its members are unused",
	"LsaLookupNames2.Count":                        "Names has its length",
	"LsaLookupSids.Count":                          "Sids has its length",
	"LsaEnumerateAccountRights.CountOfRights":      "UserRights has its length",

	"NtWriteFile.Length":          "Buffer has its length",
	"ZwWriteFile.Length":          "Buffer has its length",
	"NtSetInformationFile.Length": "FileInformation has its length",
	"ZwSetInformationFile.Length": "FileInformation has its length",
	"AllocationSize":              "nothing is reserved for a new file",
	"EaBuffer":                    "files have no extended attributes here",
	"EaLength":                    "files have no extended attributes here",

	"PsAssignImpersonationToken.Token":              "see besides",
	"SePrivilegeCheck.SubjectContext":               "see besides",
	"ZwCreateSymbolicLinkObject.SymbolicLinkHandle": "see besides",
	"ZwCreateSymbolicLinkObject.TargetName":         "see besides",
	"ZwQueryInformationToken.Length":                "see besides",
	"ZwQueryInformationToken.ResultLength":          "see besides",
	"ZwQuerySecurityObject.FileHandle":              "see besides",
	"ZwQuerySecurityObject.ResultLength":            "see besides",
}

// besides maps parameters of rows that are not in the headers to the reason.
var besides = map[string]string{
	"Information": "the count of the header's IoStatusBlock",
	"UserApcs":    "the calls that the header's service makes itself",
	"Result":      "the value that the routine returns",

	"PsReferenceImpersonationToken.Token": "the value that the routine returns",
	"PsReferencePrimaryToken.Token":       "the value that the routine returns",
	"SeCaptureSubjectContext.Thread":      "the calling thread, which is always explicit here",

	"PsAssignImpersonationToken.TokenHandle":         "a Token is an object elsewhere in scripts, this one a handle",
	"SePrivilegeCheck.SubjectSecurityContext":        "the documented name; mingw-w64 differs",
	"ZwCreateSymbolicLinkObject.LinkHandle":          "Zw rows have the names of their Nt twins",
	"ZwCreateSymbolicLinkObject.LinkTarget":          "Zw rows have the names of their Nt twins",
	"ZwQuerySymbolicLinkObject.MaximumLength":        "that of the string LinkTarget, which a program cannot give",
	"ZwQueryInformationToken.TokenInformationLength": "Zw rows have the names of their Nt twins",
	"ZwQueryInformationToken.ReturnLength":           "Zw rows have the names of their Nt twins",
	"ZwQuerySecurityObject.Handle":                   "Zw rows have the names of their Nt twins",
	"ZwQuerySecurityObject.LengthNeeded":             "Zw rows have the names of their Nt twins",
}

// TestPrototypesAreRead checks that the header parser reads prototypes as mingw-w64 writes them.
func TestPrototypesAreRead(t *testing.T) {
	got := prototypes(`/* NTAPI Not(IN int a); */
NTSTATUS NTAPI One(IN HANDLE Handle, OUT PVOID Buffer OPTIONAL, ULONG Codes[3]); // NTAPI Two(IN int a);
VOID NTAPI None(VOID);`)
	check.That(t, len(got) == 1 && slices.Equal(got["One"], []string{"Handle", "Buffer", "Codes"}),
		"prototypes = %q, want one with three parameters", got)
}
