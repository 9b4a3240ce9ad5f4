package audit_test

import (
	"fmt"
	"testing"

	"github.com/refmon/refmon/audit"
	"github.com/refmon/refmon/internal/test/check"
)

// TestObjectTypesHaveTheirSubcategory checks the subcategory of each object type.
func TestObjectTypesHaveTheirSubcategory(t *testing.T) {
	for typ, want := range map[string]audit.Subcategory{"File": audit.FileSystem, "Key": audit.Registry,
		"DirectoryService": audit.DirectoryServiceAccess, "SAM_USER": audit.SAM, "SAM_": audit.SAM, "SAM": audit.KernelObject,
		"SAM_ALIAS": audit.SAM, "SAM_GROUP": audit.SAM, "SAM_DOMAIN": audit.SAM, "SAM_SERVER": audit.SAM,
		"Event": audit.KernelObject, "": audit.KernelObject, "file": audit.KernelObject} {
		check.Equal(t, audit.TypeSubcategory(typ), want, "U-89: subcategory of %q", typ)
	}
}

// A subcategory that is read from text keeps its value if the text names none.
func TestUnknownTextLeavesSubcategory(t *testing.T) {
	s := audit.Registry
	err := s.UnmarshalText([]byte("No Such Thing"))
	check.That(t, err != nil && s == audit.Registry, "unknown text: %v, %v, want an error and Registry", s, err)
}

func ExampleParseSubcategory() {
	s, err := audit.ParseSubcategory("{0CCE921D-69AE-11D9-BED3-505054503030}")
	fmt.Println(s, s.Task(), s.Category(), err)
	// Output:
	// File System 12800 Object Access <nil>
}
