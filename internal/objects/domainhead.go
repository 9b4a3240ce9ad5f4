package objects

import "strings"

// isHead reports whether an object is the head of a domain (B-92): by its class, or without one by a distinguished name
// of DC= parts only. The partitions of DNS zones have that class and are not domains. Case does not matter.
func isHead(path string, e *Entry) bool {
	path = strings.ToUpper(path)
	if strings.HasPrefix(path, "DC=DOMAINDNSZONES,") || strings.HasPrefix(path, "DC=FORESTDNSZONES,") {
		return false
	}
	if e != nil && len(e.Classes) > 0 {
		return e.Is("domainDNS")
	}
	for part := range strings.SplitSeq(path, ",") {
		if !strings.HasPrefix(strings.TrimSpace(part), "DC=") {
			return false
		}
	}
	return true
}
