package main

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// kernelSources are the C tests of the kernel-mode face.
func kernelSources(t *testing.T) []string {
	t.Helper()
	var list []string
	for _, pattern := range []string{"tests/kernel/*", "kernel/*", "include/refmon/*.h", "tests/check.h", "build.sh"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			if _, err := os.Stat(f); err != nil { // the cached result depends on it
				t.Fatal(err)
			}
			if filepath.Dir(f) == "tests/kernel" && filepath.Ext(f) == ".c" {
				list = append(list, f)
			}
		}
	}
	return list
}

var passed = regexp.MustCompile(`(?m)^\d+ assertions, 0 failed$`)

// The assertions are in tests/kernel/*.c.
func TestKernelMode(t *testing.T) {
	folder := library(t)
	out := run(t, "", compile(t, folder, append(kernelSources(t), "-lrefmonk", "-lrefmon")...))
	t.Log(strings.TrimSpace(out))
	if !passed.MatchString(out) {
		t.Errorf("the count is missing or tells of failures:\n%s", out)
	}
}

// The same through the libraries with the calling convention of Windows.
func TestKernelModeMSABI(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("ms_abi is of x86-64")
	}
	folder := library(t)
	out := run(t, "", compile(t, folder, append(kernelSources(t), "-DREFMON_MS_ABI", "-lrefmonk-ms", "-lrefmon-ms", "-lrefmon")...))
	if !passed.MatchString(out) {
		t.Errorf("%s", out)
	}
}
