package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// implementation is something that the kit can ask.
type implementation struct {
	name, title string
	packages    []string                       // Debian's, all of them needed
	version     []string                       // a command whose first line is the version; "" for this repository's
	build       func(*bench) ([]string, error) // makes the adapter and returns its command
	env         []string                       // of the adapter; WORK is replaced by the temporary folder
}

// implementations are in the order of the table.
var implementations = []implementation{
	{name: "refmon", title: "refmon", version: []string{"cat", "VERSION"},
		build: func(b *bench) ([]string, error) { return []string{b.kit, "adapter"}, nil }},
	{name: "samba", title: "Samba (python3-samba, libsamba-security)", packages: []string{"python3-samba"},
		version: []string{"/usr/bin/python3", "-c", "import samba; print(samba.version)"}, build: python("samba")},
	{name: "wine", title: "Wine (advapi32, ntdll, wineserver)",
		packages: []string{"wine", "wine64", "gcc-mingw-w64-x86-64"},
		version:  []string{"wine", "--version"}, build: buildWine,
		env: []string{"WINEPREFIX=WORK/wine", "WINEDEBUG=-all", "DISPLAY="}},
	{name: "mono", title: "Mono (System.Security.AccessControl)", packages: []string{"mono-runtime", "mono-mcs"},
		version: []string{"mono", "--version=number"}, build: buildMono},
	{name: "cloudsoda", title: "Go: github.com/cloudsoda/sddl",
		version: []string{"go", "list", "-m", "-f", "{{.Version}}", "github.com/cloudsoda/sddl"},
		build:   buildGo("cloudsoda")},
	{name: "impacket", title: "impacket (ldaptypes)", packages: []string{"python3-impacket"},
		version: []string{"dpkg-query", "-W", "-f", "${Version}", "python3-impacket"}, build: python("impacket")},
}

func python(folder string) func(*bench) ([]string, error) {
	return func(b *bench) ([]string, error) {
		return []string{"/usr/bin/python3", "-B", b.adapters(folder, "adapter.py")}, nil
	}
}

func buildWine(b *bench) ([]string, error) {
	exe := filepath.Join(b.work, "adapter.exe")
	_, err := b.sh(context.Background(), b.work, "x86_64-w64-mingw32-gcc", "-O2", "-o", exe,
		b.adapters("wine", "adapter.c"), "-ladvapi32", "-lntdll")
	return []string{"/usr/bin/python3", "-B", b.adapters("wine", "adapter.py"), exe}, err
}

func buildMono(b *bench) ([]string, error) {
	exe := filepath.Join(b.work, "mono.exe")
	_, err := b.sh(context.Background(), b.work, "mcs", "-out:"+exe, b.adapters("mono", "adapter.cs"))
	return []string{"mono", exe}, err
}

// buildGo returns a function that compiles the adapter in a folder, and returns the command that runs it.
func buildGo(folder string) func(*bench) ([]string, error) {
	return func(b *bench) ([]string, error) {
		exe := filepath.Join(b.work, folder)
		_, err := b.sh(context.Background(), b.adapters(), "go", "build", "-mod=readonly", "-o", exe, "./"+folder)
		return []string{exe}, err
	}
}

// bench is where the implementations are built and run.
type bench struct{ root, work, kit, guard string }

// adapters returns a path below the folder of the adapters.
func (b *bench) adapters(parts ...string) string {
	return filepath.Join(append([]string{b.root, "vectors", "adapters"}, parts...)...)
}

// sh runs a command and returns the first line of its output. The error has the end of what it printed.
func (b *bench) sh(ctx context.Context, dir, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "WINEDEBUG=-all")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", name, err, out[max(0, len(out)-300):])
	}
	first, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return first, nil
}

// prepare installs the packages that are missing, and reports what it could not.
func (b *bench) prepare(ctx context.Context, i implementation, install bool) error {
	var missing []string
	for _, p := range i.packages {
		if s, err := b.sh(ctx, b.work, "dpkg-query", "-W", "-f", "${db:Status-Status}", p); err != nil || s != "installed" {
			missing = append(missing, p)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if !install || os.Getuid() != 0 {
		return fmt.Errorf("Debian packages are missing: %s", strings.Join(missing, " "))
	}
	args := append([]string{"-o", "DPkg::Lock::Timeout=300", "install", "-y", "-qq", "--no-install-recommends"},
		missing...)
	if _, err := b.sh(ctx, b.work, "apt-get", args...); err == nil {
		return nil
	}
	if _, err := b.sh(ctx, b.work, "apt-get", "-o", "DPkg::Lock::Timeout=300", "update", "-qq"); err != nil {
		return err
	}
	_, err := b.sh(ctx, b.work, "apt-get", args...)
	return err
}
