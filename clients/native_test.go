package clients

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/refmon/refmon/internal/test/check"
)

const (
	functionsFile = "python/refmon/functions.txt"
	headersFolder = "../capi/include/refmon"
)

var (
	prototype = regexp.MustCompile(`(?m)^REFMON_(?:SERVICE|API) ([A-Za-z_ *]+?) ?\b(?:NTAPI|WINAPI) (\w+)\(([^;]*)\);`)
	// A parameter is a type and a name; arrays are pointers.
	parameter = regexp.MustCompile(`^((?:const |CONST |struct )?\w+[ *]*?)\s*(?:\w+)?(\[\w*\])?$`)
)

// kinds are the numeric types; native.py has the other side. Other types are enumerations or pointers. Handles and
// addresses passed by value are separate from pointers to variables, because Python uses the same object for both.
var kinds = map[string]string{
	"void": "void", "VOID": "void", "NTSTATUS": "status", "BOOL": "i32", "LONG": "i32", "INT": "i32", "int": "i32",
	"HRESULT": "i32", "BOOLEAN": "u8", "UCHAR": "u8", "BYTE": "u8", "CHAR": "i8", "SHORT": "i16", "USHORT": "u16",
	"WORD": "u16", "WCHAR": "u16", "ULONG": "u32", "DWORD": "u32", "UINT": "u32", "ACCESS_MASK": "u32",
	"SECURITY_INFORMATION": "u32", "SECURITY_DESCRIPTOR_CONTROL": "u16", "LONGLONG": "i64", "ULONGLONG": "u64",
	"ULONG_PTR": "u64", "DWORD_PTR": "u64", "SIZE_T": "u64", "size_t": "u64", "LONG_PTR": "i64", "KPROCESSOR_MODE": "i8",
	"HANDLE": "h", "HLOCAL": "h", "LSA_HANDLE": "h", "HMODULE": "h", "PSID": "h", "PVOID": "h", "LPVOID": "h",
	"PSECURITY_DESCRIPTOR": "h",
}

// native is a function of the headers. Immutable.
type native struct {
	name  string
	types []string // its result, then its parameters
}

// TestNativeFunctionsEqualHeaders checks that native.py has the headers' functions, and that a C compiler confirms each
// type.
func TestNativeFunctionsEqualHeaders(t *testing.T) {
	list := functions(t)
	var text strings.Builder
	asserts := map[string]bool{}
	for _, f := range list {
		text.WriteString(f.name)
		for _, typ := range f.types {
			k := kindOf(typ)
			fmt.Fprintf(&text, " %s", k)
			asserts[assertion(typ, k)] = true
		}
		text.WriteString("\n")
	}
	if *write {
		check.NoError(t, os.WriteFile(functionsFile, []byte(text.String()), 0o644))
	}
	if got, err := os.ReadFile(functionsFile); err != nil || string(got) != text.String() {
		t.Errorf("%s is not that of the headers (%v): go test ./clients -args -write", functionsFile, err)
	}
	cc, err := exec.LookPath("cc")
	if err != nil {
		t.Skip("no C compiler to ask about the types")
	}
	source := []string{"#include <refmon/refmon.h>", "#include <stddef.h>"}
	for a := range asserts {
		source = append(source, a)
	}
	slices.Sort(source[2:])
	cmd := exec.Command(cc, "-std=gnu11", "-fsyntax-only", "-I../capi/include", "-x", "c", "-")
	cmd.Stdin = strings.NewReader(strings.Join(source, "\n") + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// functions reads the prototypes of user mode.
func functions(t *testing.T) []native {
	t.Helper()
	paths, err := filepath.Glob(headersFolder + "/*.h")
	check.RequireThat(t, err == nil && len(paths) != 0, "no headers:  %v", err)
	var list []native
	for _, path := range paths {
		if name := filepath.Base(path); name == "ntifs.h" || name == "wdm.h" { // kernel mode has a library of its own
			continue
		}
		b := check.Must(os.ReadFile(path))
		for _, m := range prototype.FindAllSubmatch(b, -1) {
			if strings.Contains(string(m[3]), "...") { // ctypes calls no such functions
				continue
			}
			f := native{name: string(m[2]), types: []string{strings.TrimSpace(string(m[1]))}}
			if all := strings.Join(strings.Fields(string(m[3])), " "); all != "void" && all != "VOID" {
				for _, p := range strings.Split(all, ",") {
					typ := parameter.FindStringSubmatch(strings.TrimSpace(p))
					check.RequireThat(t, typ != nil, "%s: the parameter %q is not understood", f.name, p)
					if typ[2] != "" {
						typ[1] += " *"
					}
					f.types = append(f.types, strings.TrimSpace(typ[1]))
				}
			}
			list = append(list, f)
		}
	}
	slices.SortFunc(list, func(a, b native) int { return strings.Compare(a.name, b.name) })
	check.That(t, len(list) >= 500, "%d functions were found in the headers, want at least 500", len(list))
	return list
}

func kindOf(typ string) string {
	if k, ok := kinds[typ]; ok {
		return k
	}
	if strings.ContainsRune(typ, '*') || enumeration(typ) == "" {
		return "p"
	}
	return "i32"
}

// enumeration returns a type's name if the headers declare it as an enumeration.
var enumeration = func() func(string) string {
	var text []byte
	paths, _ := filepath.Glob(headersFolder + "/*.h")
	for _, path := range paths {
		b, _ := os.ReadFile(path)
		text = append(text, b...)
	}
	names := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?s)typedef enum \w*\s*\{[^}]*\} (\w+)`).FindAllSubmatch(text, -1) {
		names[string(bytes.TrimSpace(m[1]))] = true
	}
	return func(typ string) string {
		if names[typ] {
			return typ
		}
		return ""
	}
}()

// assertion returns a C assertion that a type is of a kind.
func assertion(typ, kind string) string {
	size := map[string]int{"i8": 1, "u8": 1, "i16": 2, "u16": 2, "i32": 4, "u32": 4, "status": 4, "i64": 8, "u64": 8}[kind]
	switch {
	case kind == "void":
		return ""
	case size == 0:
		return fmt.Sprintf(`_Static_assert(__builtin_classify_type((%s)0) == 5, "%s is a pointer");`, typ, typ)
	}
	return fmt.Sprintf(`_Static_assert(sizeof(%s) == %d && __builtin_classify_type((%s)0) != 5, "%s is %s");`,
		typ, size, typ, typ, kind)
}

// TestWheelIsReproducible checks that the package's build backend writes the same wheel each time, with every file that
// the modules read.
func TestWheelIsReproducible(t *testing.T) {
	interpreter := python(t)
	var wheels [2][]byte
	for i := range wheels {
		dir := t.TempDir()
		if out, err := exec.Command(interpreter, "-B", "python/backend.py", dir).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		paths, err := filepath.Glob(dir + "/refmon-*-py3-none-any.whl")
		check.RequireThat(t, err == nil && len(paths) == 1, "%v %v", paths, err)
		if wheels[i], err = os.ReadFile(paths[0]); err != nil {
			t.Fatal(err)
		}
	}
	check.That(t, bytes.Equal(wheels[0], wheels[1]), "two wheels differ")
	z := check.Must(zip.NewReader(bytes.NewReader(wheels[0]), int64(len(wheels[0]))))
	for _, name := range []string{"__init__.py", "native.py", "functions.txt", "table.json"} {
		if f, err := z.Open("refmon/" + name); err != nil {
			t.Error(err)
		} else {
			f.Close()
		}
	}
}

// TestSourceArchiveIsReproducible checks that the build backend writes the same archive of sources at any time. The
// archive has what a build needs.
func TestSourceArchiveIsReproducible(t *testing.T) {
	interpreter := python(t)
	var archives [2][]byte
	for i := range archives {
		dir := t.TempDir()
		program := fmt.Sprintf("import backend, time\ntime.time = lambda: %d\nbackend.build_sdist(%q)",
			1000000000+3600*i, dir)
		cmd := exec.Command(interpreter, "-B", "-c", program)
		cmd.Dir = "python"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		paths, err := filepath.Glob(dir + "/refmon-*.tar.gz")
		check.RequireThat(t, err == nil && len(paths) == 1, "%v %v", paths, err)
		archives[i] = check.Must(os.ReadFile(paths[0]))
	}
	check.That(t, bytes.Equal(archives[0], archives[1]), "two archives differ")
	var names []string
	for files := tar.NewReader(check.Must(gzip.NewReader(bytes.NewReader(archives[0])))); ; {
		h, err := files.Next()
		if err == io.EOF {
			break
		}
		check.RequireThat(t, err == nil, "%v", err)
		_, name, _ := strings.Cut(h.Name, "/")
		names = append(names, name)
	}
	for _, name := range []string{"PKG-INFO", "backend.py", "pyproject.toml", "refmon/__init__.py"} {
		check.That(t, slices.Contains(names, name), "the archive has no %s, only %v", name, names)
	}
}
