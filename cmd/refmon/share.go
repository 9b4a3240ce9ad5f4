package main

import (
	"cmp"
	"fmt"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects/shares"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sddl"
)

// shareFlag names a share that is checked before the objects.
type shareFlag struct {
	Share []string `help:"${share}" placeholder:"SDDL|FILE[:SHARE]" sep:"none"`
}

// gate is the file share of --share, whose permissions limit access to the objects. The zero gate allows everything.
type gate struct{ shares.Source }

// gate reads the share's permissions from the values of --share and the files that they name. Without the flag the
// gate allows everything.
func (c *shareFlag) gate(std *streams) (*gate, error) {
	s, err := shares.ReadSource(c.Share, std.readFile)
	if err != nil {
		return nil, err
	}
	return &gate{*s}, nil
}

// objects returns the paths to read: those of the command line, or without any and without --objects the share's path.
// The share's attribute counts if --attribute is missing, and its "ignore system acls" in addition to the flag of c.
func (g *gate) objects(c *objectsFlags, paths []string) []string {
	if g.Config == nil {
		return paths
	}
	if len(paths) == 0 && c.Objects == "" && g.Config.Path != "" {
		paths = []string{g.Config.Path}
	}
	c.IgnoreSystemACLs = c.IgnoreSystemACLs || g.Config.IgnorePOSIX
	c.Attribute = cmp.Or(c.Attribute, g.Config.Attribute)
	return paths
}

// descriptor returns the descriptor of the share, or nil if it has none. Malformed SDDL is an error. Relative aliases
// refer to d's domain.
func (g *gate) descriptor(d *directory.Directory) (*sd.Descriptor, error) {
	if g.Text == "" {
		return g.Security, nil
	}
	share, err := sddl.Parse(g.Text, sddl.Options{Domain: d.Domain})
	if err != nil {
		return nil, fmt.Errorf("--share: %w", err)
	}
	return share, nil
}

// before applies the share to a question about the principals of d. With a configuration it returns the directory
// within the share's limits, and the guard that decides. Without one it returns d and the descriptor to check first,
// which may be nil. Unsupported settings are printed as notes.
func (g *gate) before(std *streams, d *directory.Directory) (*directory.Directory, *shares.Guard, *sd.Descriptor,
	error) {
	share, err := g.descriptor(d)
	if err != nil || g.Config == nil {
		return d, nil, share, err
	}
	guard := g.Config.Guard(d, share)
	for _, note := range guard.Notes {
		fmt.Fprintf(std.err, "refmon: %s\n", printable(note))
	}
	d, err = guard.Apply()
	return d, guard, nil, err
}
