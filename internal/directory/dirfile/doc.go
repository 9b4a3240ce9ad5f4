// Package dirfile reads and writes directory files: users and groups with their SIDs and memberships, as YAML, JSON
// or CSV. It contains all knowledge of that format. Package directory holds the values.
package dirfile
