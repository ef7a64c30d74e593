// Renders a Helm chart as `helm template` does, with Go's templates and sprig, where Helm itself is not to be had:
//
//	go run render-chart.go CHART RELEASE [VALUES.yaml]
//
// Prints the documents of all templates, a `---` line before each.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

type values = map[string]interface{}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(path string) values {
	text, err := os.ReadFile(path)
	check(err)
	into := values{}
	check(yaml.UnmarshalStrict(text, &into))
	return into
}

// merge lays changes over the chart's own values, table by table.
func merge(base, changes values) {
	for name, change := range changes {
		old, isTable := base[name].(map[string]interface{})
		table, changesTable := change.(map[string]interface{})
		if isTable && changesTable && len(table) > 0 {
			merge(old, table)
		} else {
			base[name] = change
		}
	}
}

func main() {
	chart, release := os.Args[1], os.Args[2]
	about := read(filepath.Join(chart, "Chart.yaml"))
	settings := read(filepath.Join(chart, "values.yaml"))
	if len(os.Args) > 3 {
		merge(settings, read(os.Args[3]))
	}
	// Helm hands the chart's own facts over with capital names.
	facts := values{}
	for name, value := range about {
		facts[strings.ToUpper(name[:1])+name[1:]] = value
	}
	root := template.New("chart").Option("missingkey=zero")
	functions := sprig.TxtFuncMap()
	functions["include"] = func(name string, data interface{}) (string, error) {
		var out bytes.Buffer
		err := root.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	// Without a cluster nothing is there, as with `helm template`.
	functions["lookup"] = func(apiVersion, kind, namespace, name string) values { return values{} }
	functions["toYaml"] = func(value interface{}) (string, error) {
		text, err := yaml.Marshal(value)
		return strings.TrimSuffix(string(text), "\n"), err
	}
	root.Funcs(functions)
	paths, err := filepath.Glob(filepath.Join(chart, "templates", "*"))
	check(err)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		check(err)
		_, err = root.New(filepath.Base(path)).Parse(string(text))
		check(err)
	}
	data := values{
		"Values":  settings,
		"Chart":   facts,
		"Release": values{"Name": release, "Namespace": "default", "Service": "Helm"},
	}
	for _, path := range paths {
		if filepath.Ext(path) != ".yaml" {
			continue
		}
		var out bytes.Buffer
		check(root.ExecuteTemplate(&out, filepath.Base(path), data))
		if strings.TrimSpace(out.String()) != "" {
			fmt.Printf("---\n%s\n", out.String())
		}
	}
}
