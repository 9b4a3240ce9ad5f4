package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The module has an error for Windows alone, in a function's body, one in a test for macOS, and one for all systems
// that only vet would find.
func TestTypeErrorsOfASystemAreFound(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"go.mod":           "module m\n\ngo 1.25\n",
		"p.go":             "package m\n\nimport \"fmt\"\n\nfunc F() { fmt.Printf(\"%d\", \"x\"); system() }\n",
		"p_windows.go":     "package m\n\nimport \"syscall\"\n\nfunc system() { syscall.Exec(nil) }\n",
		"p_darwin_test.go": "package m\n\nvar _ = missing\n",
		"p_unix.go":        "//go:build unix\n\npackage m\n\nimport \"syscall\"\n\nfunc system() { syscall.Getppid() }\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for target, want := range map[string]string{
		"darwin/arm64":  "darwin/arm64: " + filepath.Join(dir, "p_darwin_test.go") + ":3:9: undefined: missing",
		"linux/386":     "",
		"windows/amd64": "windows/amd64: " + filepath.Join(dir, "p_windows.go") + ":5:33: not enough arguments in call",
		"js/wasm":       "js/wasm: " + filepath.Join(dir, "p.go") + ":5:35: undefined: system",
		"windows":       `"windows": want SYSTEM/PROCESSOR, such as linux/arm64`,
	} {
		err := check(dir, target)
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", target, err, want)
		}
	}
}
