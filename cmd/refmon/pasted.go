package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/refmon/refmon/internal/directory"
	"github.com/refmon/refmon/internal/objects"
	screens "github.com/refmon/refmon/internal/objects/screen"
	"github.com/refmon/refmon/sd"
	"github.com/refmon/refmon/sid"
	"github.com/refmon/refmon/winnt"
)

// pasted parses a descriptor that was pasted from a console. It accepts output of icacls, Get-Acl and accesschk -l,
// and wrapped SDDL. Any other text gives nil and no error. The output must have exactly one valid descriptor. dir may
// be nil. Lost information is noted on standard error.
func pasted(std *streams, text string, domain sid.SID, dir *directory.Directory) (*sd.Descriptor, error) {
	text = strings.TrimPrefix(text, "\ufeff") // of the file that was pasted
	if oneLine := !strings.Contains(strings.TrimSpace(text), "\n"); oneLine && !strings.HasSuffix(text, ")") ||
		oneLine && strings.Contains(text, ";") { // a line of SDDL, or a path
		return nil, nil
	}
	open, err := screens.Detect(text)
	if open == nil || err != nil {
		return nil, err
	}
	s := open(strings.NewReader(text))
	objects.UseNames(s, objects.NewLookup(dir, nil))
	var found objects.Item
	n := 0
	err = objects.All(context.Background(), s, domain, winnt.FileObject, func(i objects.Item) bool {
		n++
		found = i
		return n == 1
	})
	switch {
	case err != nil:
		return nil, err
	case n == 0:
		return nil, errors.New("the text has no descriptor")
	case n > 1:
		return nil, errors.New("the text has several objects: save it to a file for refmon access --objects FILE")
	case found.Err != nil:
		return nil, found.Err
	}
	if loss := objects.Loss(s); loss != "" { // (B-60)
		fmt.Fprintf(std.err, "refmon: %s\n", loss)
	}
	return found.Descriptor, nil
}
