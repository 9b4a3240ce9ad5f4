package main

import (
	"bytes"
	"debug/elf"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
	"github.com/refmon/refmon/internal/test/randtest"
	"github.com/refmon/refmon/kernel"
)

// kernelSources returns the files of the C tests of kernel mode.
func kernelSources(t *testing.T) []string {
	t.Helper()
	var list []string
	for _, pattern := range []string{"tests/kernel/*", "kernel/*", "include/refmon/*.h", "tests/check.h", "build.sh"} {
		files := check.Must(filepath.Glob(pattern))
		for _, f := range files {
			if _, err := os.Stat(f); err != nil { // so that a change of it invalidates the cached test result
				t.Fatal(err)
			}
			program := filepath.Base(f) == "misuse.c" || filepath.Base(f) == "example.c"
			if filepath.Dir(f) == "tests/kernel" && filepath.Ext(f) == ".c" && !program {
				list = append(list, f)
			}
		}
	}
	return list
}

var passed = regexp.MustCompile(`(?m)^\d+ assertions, 0 failed$`)

// The C tests of kernel mode in tests/kernel/*.c pass. They cover the cases AC-063, IC-4, IC-7, IC-8, IC-10, IC-11,
// IC-13 to IC-20, IC-22, IC-23, IC-27, IC-28, IC-31, IC-33, IC-35 to IC-37, IC-40, IC-41, IC-48 to IC-51, IC-57,
// IC-60, IC-63, IC-72, IC-73, IC-78, IC-79. The last run is a server without SeImpersonatePrivilege, which ends in a
// job.
func TestKernelModeCTestsPass(t *testing.T) {
	folder := library(t)
	program := compile(t, folder, append(kernelSources(t), "-lrefmonk", "-lrefmon")...)
	for _, c := range []struct{ env, arg string }{{"", "all"}, {"REFMON_PROFILE=documented", "all"},
		{"REFMON_USER=standard", "standard"}} {
		out := run(t, c.env, program, c.arg)
		t.Log(strings.TrimSpace(out))
		check.That(t, passed.MatchString(out), "%s: output %q, want 0 failed assertions", c, out)
	}
}

// The C tests of kernel mode pass with the calling convention of Windows.
func TestKernelModeCTestsPassWithMSABI(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("ms_abi is of x86-64")
	}
	randtest.SkipUnlessDeep(t, "it compiles the C tests a second time")
	folder := library(t)
	out := run(t, "", compile(t, folder, append(kernelSources(t), "-DREFMON_MS_ABI", "-lrefmonk-ms", "-lrefmon-ms",
		"-lrefmon")...))
	check.That(t, passed.MatchString(out), "output %q, want 0 failed assertions", out)
}

// The C tests of kernel mode pass with the C of librefmonk.so under sanitizers: no undefined behaviour, no leak.
func TestKernelModeCTestsPassSanitized(t *testing.T) {
	randtest.SkipUnlessDeep(t, "it compiles the C tests of kernel mode a third time")
	folder := library(t)
	const sanitize = "-fsanitize=address,undefined"
	empty := filepath.Join(t.TempDir(), "empty.c")
	check.NoError(t, os.WriteFile(empty, []byte("int main(void) { return 0; }\n"), 0o644))
	if out, err := exec.Command(compiler(), sanitize, "-o", empty+".out", empty).CombinedOutput(); err != nil {
		t.Skipf("the compiler has no sanitizers: %s", out)
	}
	routines := check.Must(filepath.Glob("kernel/*.c"))
	program := compile(t, folder, append(append(kernelSources(t), routines...), sanitize,
		"-fno-sanitize-recover=undefined", "-lrefmon")...)
	for _, c := range []struct{ env, arg string }{{"", "all"}, {"REFMON_USER=standard", "standard"}} {
		if out := run(t, c.env, program, c.arg); !passed.MatchString(out) {
			t.Errorf("%s: output %q, want 0 failed assertions", c, out)
		}
	}
}

// owedNothing is the end of the message for a reference that is released too often.
const owedNothing = "all references that were given out have been given back already"

// A programming error that no status can report ends the program with exit code 70 and a message.
func TestKernelMisuseEndsProgram(t *testing.T) {
	folder := library(t)
	program := compile(t, folder, "tests/kernel/misuse.c", "-lrefmonk", "-lrefmon")
	const noType = "ObReferenceObjectByHandle: 0x[0-9a-f]+ is not an object type: " +
		"pass what a variable such as SeTokenObjectType points to"
	for i, want := range []string{
		"PsRevertThreadToSelf: 0x[0-9a-f]+ is not an object: it is gone, or it never was one",
		"PsDereferencePrimaryToken: the Token at 0x[0-9a-f]+: " + owedNothing,
		"SeTokenIsAdmin: 0x[0-9a-f]+ is not an object: it is gone, or it never was one",
		"PsImpersonateClient: 0x[0-9a-f]+ is an object of type Token, which does not belong here",
		"SeReleaseSubjectContext: the subject context at 0x[0-9a-f]+ has no primary token: " +
			"it was released, or never captured",
		"SeCaptureSubjectContext: the memory at 0x7eadbee0 cannot be written",
		"SeUnlockSubjectContext: the subject context at 0x[0-9a-f]+ is not locked by this thread",
		"SeImpersonateClient: the client context at 0x[0-9a-f]+ has no token: it was deleted, or never created",
		"PsRestoreImpersonation: the Token at 0x[0-9a-f]+: " + owedNothing,
		noType,
		"SeCreateClientSecurity: 0x0 is not an object: it is gone, or it never was one",
		"the work item at 0x[0-9a-f]+ returned while it impersonates: it must call PsRevertToSelf",
		"PsDisableImpersonation: the memory at 0x[0-9a-f]+ cannot be written",
		"PsRestoreImpersonation: the memory at 0x7eadbee0 cannot be read", noType, noType, noType,
	} {
		out, err := exec.Command(program, strconv.Itoa(i)).CombinedOutput()
		exit := (*exec.ExitError)(nil)
		check.That(t, errors.As(err, &exit) && exit.ExitCode() == 70 && regexp.MustCompile("^refmon: "+want+"\n$").Match(out),
			"misuse case %d: %v, output %q; want exit code 70 and %q", i, err, out, want)
	}
}

// The order of the libraries decides whether a program uses the kernel-mode or user-mode Zw functions.
func TestLinkOrderSelectsZwFunctions(t *testing.T) {
	folder := library(t)
	source := filepath.Join(t.TempDir(), "order.c")
	check.NoError(t, os.WriteFile(source, []byte(`#include <refmon/ntifs.h>
#include <stdio.h>
int main(void)
{
	HANDLE zw = NULL, nt = NULL;
	NTSTATUS a = ZwOpenProcessTokenEx(ZwCurrentProcess(), TOKEN_QUERY, 0, &zw);
	NTSTATUS b = NtOpenProcessTokenEx(NtCurrentProcess(), TOKEN_QUERY, 0, &nt);
	printf("Zw %08X Nt %08X thread %d\n", (unsigned)a, (unsigned)b, PsGetCurrentThread() != NULL);
	return 0;
}
`), 0o644))
	for _, c := range []struct {
		libraries []string
		want      string
	}{
		{[]string{"-lrefmonk", "-lrefmon"}, "Zw C000000D Nt 00000000 thread 1\n"},
		{[]string{"-lrefmon", "-lrefmonk"}, "Zw 00000000 Nt 00000000 thread 1\n"}, // user-mode Zw first
	} {
		check.Equal(t, run(t, "", compile(t, folder, append([]string{source}, c.libraries...)...)), c.want,
			"%v", c.libraries)
	}
}

// The example in docs/c-abi.md equals the tested file, and the program runs.
func TestKernelExampleOfGuideRuns(t *testing.T) {
	doc := check.Must(os.ReadFile("../docs/c-abi.md"))
	text := check.Must(os.ReadFile("tests/kernel/example.c"))
	check.That(t, bytes.Contains(doc, bytes.TrimSpace(text)),
		"docs/c-abi.md does not contain tests/kernel/example.c unchanged")
	folder := library(t)
	want := "without OBJ_KERNEL_HANDLE: 0xC000000D\nwith OBJ_KERNEL_HANDLE:    0x00000000\n" +
		"in user mode:              0xC0000008\n"
	if got := run(t, "", compile(t, folder, "tests/kernel/example.c", "-lrefmonk", "-lrefmon")); got != want {
		t.Errorf("output of the example: got\n%s\nwant\n%s", got, want)
	}
}

// headers returns the text of the public headers that match the patterns.
func headers(t *testing.T, patterns ...string) string {
	t.Helper()
	var text strings.Builder
	for _, p := range patterns {
		files, _ := filepath.Glob("include/refmon/" + p)
		for _, f := range files {
			b := check.Must(os.ReadFile(f))
			text.Write(b)
		}
	}
	return text.String()
}

// librefmonk.so exports exactly the functions of ntifs.h and wdm.h and the Zw functions of the services that package
// kernel has.
func TestKernelLibraryExportsItsHeaders(t *testing.T) {
	folder := library(t)
	want := map[string]bool{}
	text := headers(t, "ntifs.h", "wdm.h")
	for _, m := range regexp.MustCompile(`(?m)^REFMON_(?:KERNEL|API) [^;]*?(\w+)\(`).FindAllStringSubmatch(text, -1) {
		want[m[1]] = true
	}
	for _, m := range regexp.MustCompile(`(?m)^REFMON_API \w+ ([^(]*?);`).FindAllStringSubmatch(text, -1) {
		for name := range strings.SplitSeq(m[1], ",") {
			want[strings.Trim(name, " *\n\t")] = true
		}
	}
	text = headers(t, "nt*.h")
	for _, m := range regexp.MustCompile(`(?m)^REFMON_SERVICE .*? Nt(\w+)\(`).FindAllStringSubmatch(text, -1) {
		if m[1] == "CreateFile" || kernel.Table.Find("Zw"+m[1]) != nil {
			want["Zw"+m[1]] = true
		}
	}
	check.RequireThat(t, len(want) >= 100 && want["SeExports"] && want["PsImpersonateClient"] && want["ZwClose"],
		"the functions found in the headers miss some, found %d: %v", len(want), want)
	for _, library := range []string{"librefmonk.so", "librefmonk-ms.so.0"} {
		file, err := elf.Open(folder + "/lib/" + library)
		if errors.Is(err, os.ErrNotExist) && runtime.GOARCH != "amd64" {
			continue
		}
		check.NoError(t, err)
		defer file.Close()
		symbols := check.Must(file.DynamicSymbols())
		got := map[string]bool{}
		for _, s := range symbols {
			if s.Section != elf.SHN_UNDEF {
				got[s.Name] = true
			}
		}
		for name := range want {
			check.That(t, got[name], "%s does not export %s", library, name)
		}
		for name := range got {
			if !want[name] && name != "rm_anchor_refmonk_ms" { // see build.sh
				t.Errorf("%s exports %s, which no header declares", library, name)
			}
		}
	}
}
