package main

import (
	"fmt"

	"github.com/refmon/refmon/access"
	"github.com/refmon/refmon/internal/accessquery"
	"github.com/refmon/refmon/internal/objects/tree"
	"github.com/refmon/refmon/internal/strict"
)

// traverseFlag enables the check of the folders on the way to a file.
type traverseFlag struct {
	Traverse string `help:"${traverse}" default:"" enum:",host,never" placeholder:"POLICY"`
}

// choose configures how the source of objects reads the folders on the way to a file: with each object, unless the
// policy is never. An objects file has no folders: the policy host is an error for it.
func (c *traverseFlag) choose(o *objectsFlags) error {
	if o.Objects != "" && c.Traverse == "host" {
		return fmt.Errorf("--traverse host applies to files only: the objects file %s has no modes of folders", o.Objects)
	}
	o.tree.Way = o.Objects == "" && c.Traverse != "never"
	return nil
}

// refusedOnTheWay checks the search permission on the folders of a path. It prints the first folder that refuses the
// caller, as a row with JSON, and returns errDenied (B-20). It returns nil if none refuses or no check is requested.
// An unreadable folder is an error.
func (c *accessCmd) refusedOnTheWay(std *streams, subject access.Subject, path string, id []byte) error {
	if !c.tree.Way {
		return nil
	}
	who, err := c.accounts()
	if err != nil {
		return err
	}
	folders, err := tree.FoldersTo(path, who)
	if err != nil {
		return err
	}
	for i := range folders {
		f := &folders[i]
		q := accessquery.Traverse(f.Descriptor, subject)
		a, err := q.Ask()
		if err != nil {
			return fmt.Errorf("%s: %w", f.Path, err)
		}
		if a.Allowed() {
			continue
		}
		if c.JSON {
			if id == nil {
				id = strict.AppendString(nil, "folder "+f.Path)
			}
			return printJSON(std, q, &a, id)
		}
		_, err = fmt.Fprintf(std.out, "%s by the folder %s: its mode %04o or its POSIX ACL gives no search permission\n\n",
			std.paint(red, "DENIED"), inLine(f.Path), f.Mode)
		if err == nil {
			_, err = fmt.Fprintf(std.out, "%s %s", std.paint(bold, "folder:"), std.shown(a.Why, namesOf(nil)))
		}
		if err != nil {
			return err
		}
		return errDenied
	}
	return nil
}
