package event

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // zones by name on machines without a zone database

	"go.yaml.in/yaml/v3"

	"sluice/configs/strict"
)

// MaxFields bounds the fields of a schema.
const MaxFields = 256

// LoadSchema reads a schema file and the rates file that it names, which is
// relative to it.
func LoadSchema(path string) (*Schema, error) {
	src, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the event schema: %w", err)
	}
	return ParseSchema(path, src, func(name string) ([]byte, error) {
		if !filepath.IsAbs(name) {
			name = filepath.Join(filepath.Dir(path), name)
		}
		return os.ReadFile(name)
	})
}

// ParseSchema reads the YAML of a schema. It fails with strict.Faults that hold
// everything that is wrong with it. rates reads the rates file by the name that
// the schema gives; it may be nil where there are none.
func ParseSchema(file string, src []byte, rates func(path string) ([]byte, error)) (*Schema, error) {
	doc, faults := strict.Parse(file, src)
	if len(faults) > 0 {
		return nil, faults
	}
	r := &schemaReader{doc: doc, readRates: rates, schema: &Schema{Key: -1, ID: -1, Time: -1, Zone: time.UTC}}
	r.read()
	if len(r.faults) > 0 {
		slices.SortStableFunc(r.faults, compareFaults)
		return nil, r.faults
	}
	return r.schema, nil
}

func compareFaults(a, b strict.Fault) int {
	if c := strings.Compare(a.File, b.File); c != 0 {
		return c
	}
	if a.Line != b.Line {
		return a.Line - b.Line
	}
	return a.Column - b.Column
}

// schemaReader builds a schema from its document and collects what is wrong.
type schemaReader struct {
	doc       *strict.Document
	readRates func(path string) ([]byte, error)
	faults    strict.Faults
	schema    *Schema
	drafts    []draft
}

// draft is a field while the schema is read.
type draft struct {
	Field
	at           yamlEntry            // name and definition
	attributes   map[string]yamlEntry // by key
	currencyFrom string
}

// node gives the node of an attribute's value, or of the field's name.
func (d *draft) node(key string) *yaml.Node {
	if a, ok := d.attributes[key]; ok {
		return a.value
	}
	return d.at.key
}

func (r *schemaReader) read() {
	if r.doc.Root == nil {
		r.faults = append(r.faults, r.doc.Fault(1, 1, "the schema is empty; it needs at least fields: with id and time"))
		return
	}
	top := r.mapping(r.doc.Root, "the schema", schemaKeys)
	if top == nil {
		return
	}
	fields, ok := top["fields"]
	if !ok {
		r.fault(r.doc.Root, "fields is missing; it needs at least id and time")
		return
	}
	r.zone(top)
	r.baseCurrency(top)
	r.fields(fields.value)
	r.checkFields(fields)
	r.key(top)
	if len(r.faults) == 0 { // what follows builds on sound fields
		r.schema.reading = newLayout(r.schema.Fields)
	}
	r.label(top)
	r.rates(top)
}

func (r *schemaReader) zone(top map[string]yamlEntry) {
	e, ok := top["zone"]
	if !ok {
		return
	}
	name, ok := r.text(e)
	if !ok {
		return
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		r.fault(e.value, "there is no time zone %q; write one of the IANA database, such as Europe/Berlin", name)
		return
	}
	r.schema.Zone = zone
	r.schema.offsets = zoneOffsets(zone)
}

func (r *schemaReader) baseCurrency(top map[string]yamlEntry) {
	if e, ok := top["base_currency"]; ok {
		r.schema.BaseCurrency, _ = r.currency(e)
	}
}

// currency reads a currency's three letters.
func (r *schemaReader) currency(e yamlEntry) (string, bool) {
	name, ok := r.text(e)
	if !ok {
		return "", false
	}
	if _, ok := CurrencyCode([]byte(name)); !ok {
		r.fault(e.value, "there is no currency %q in ISO 4217%s", name, didYouMean(strings.ToUpper(name), currencyNames()))
		return "", false
	}
	return name, true
}

// key resolves the partition key: what the file says, else the first entity
// that may be shown, else the id.
func (r *schemaReader) key(top map[string]yamlEntry) {
	s := r.schema
	e, ok := top["key"]
	if !ok {
		for _, f := range s.Entities {
			if !s.Fields[f].Secret {
				s.Key = f
				break
			}
		}
		return
	}
	name, ok := r.text(e)
	if !ok {
		return
	}
	i := s.Field(name)
	switch {
	case i < 0:
		r.fault(e.value, "key names no field: there is no %q%s", name, didYouMean(name, r.names()))
	case s.Fields[i].Secret:
		r.fault(e.value, "%s is secret and can't be the key, which is not", name)
	case !isText(s.Fields[i].Type) && s.Fields[i].Type != TypeInteger:
		r.fault(e.value, "%s can't be the key: a key is text or an integer", name)
	default:
		s.Key = i
	}
}

func (r *schemaReader) names() []string {
	names := make([]string, len(r.schema.Fields))
	for i, f := range r.schema.Fields {
		names[i] = f.Name
	}
	return names
}
