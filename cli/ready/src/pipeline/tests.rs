//! What pipelines of each kind are found to do.

use super::*;

/// What a pipeline comes to, in one word.
fn word(pipeline: &Pipeline) -> &'static str {
    match pipeline {
        it if it.unreadable.is_some() => "unreadable",
        it if !it.has_steps => "empty",
        it if it.works.is_none() => "idle",
        it if it.called => "called",
        it if it.delivers() => "delivers",
        it if it.only_asked => "asked",
        _ => "works",
    }
}

fn read(path: &str, text: &str) -> Pipeline {
    let file = |path: &str, text: &str| TextFile {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let mut texts = vec![
        file(
            ".github/actions/ship/action.yml",
            "runs:\n  using: composite\n  steps:\n    - run: docker push x\n",
        ),
        file(
            ".github/workflows/called.yml",
            "on: workflow_call\njobs: {a: {steps: [{run: helm upgrade x y}]}}\n",
        ),
        file(path, text),
    ];
    texts.sort_by(|a, b| a.path.cmp(&b.path));
    let tree = Tree {
        texts,
        ..Tree::default()
    };
    Pipeline::read(&tree, &file(path, text), false)
}

#[test]
fn a_workflow_is_what_its_steps_really_do() {
    let job = |job: &str| format!("on: push\njobs: {{a: {{{job}}}}}\n");
    let step = |step: &str| job(&format!("steps: [{{{step}}}]"));
    for (text, wanted) in [
        (step("run: docker push reg/x"), "delivers"),
        (step("run: 'echo docker push'"), "idle"),
        (step("run: '# docker push reg/x'"), "idle"),
        (step("run: 'true || kubectl apply -f x'"), "idle"),
        (step("run: docker push x, if: false"), "idle"),
        (step("run: docker push x, if: '${{ false }}'"), "idle"),
        (step("run: docker push x, if: success()"), "delivers"),
        (step("run: echo hello, name: deploy to production"), "idle"),
        (step("run: cargo test, name: deploy"), "works"),
        (job("if: false, steps: [{run: docker push x}]"), "idle"),
        (step("run: docker push x, if: \"github.event_name == 'pull_request'\""), "asked"),
        (step("uses: docker/build-push-action@v6, with: {push: true}"), "delivers"),
        (step("uses: docker/build-push-action@v6, with: {push: false}"), "works"),
        (step("uses: docker/build-push-action@v6, with: {tags: x}"), "works"),
        (step("uses: actions/checkout@v4"), "idle"),
        (step("uses: actions/upload-artifact@v4"), "works"),
        (step("uses: softprops/action-gh-release@v2"), "delivers"),
        (step("uses: ./.github/actions/ship"), "delivers"),
        (step("uses: ./.github/actions/none"), "idle"),
        (job("uses: ./.github/workflows/called.yml"), "delivers"),
        (job("uses: other/shared/.github/workflows/deploy.yml@v1"), "delivers"),
        ("on: pull_request\njobs: {a: {steps: [{run: docker push x}]}}".to_owned(), "asked"),
        ("on: {pull_request: {types: [closed]}}\njobs: {a: {steps: [{run: docker push x}]}}".to_owned(), "delivers"),
        ("on: workflow_call\njobs: {a: {steps: [{run: docker push x}]}}".to_owned(), "called"),
        ("jobs: {a: {steps: [{run: docker push x}]}}".to_owned(), "idle"),
        ("on: push\njobs: {a: {if: false, steps: [{run: b}]}, c: {needs: [a], steps: [{run: docker push x}]}}".to_owned(), "idle"),
        ("on: push\njobs: {a: {if: false, steps: [{run: b}]}, c: {needs: a, if: always(), steps: [{run: docker push x}]}}".to_owned(), "delivers"),
        ("on: push\njobs: {}".to_owned(), "empty"),
        ("# later\n".to_owned(), "empty"),
        ("on: [push\njobs".to_owned(), "unreadable"),
    ] {
        let pipeline = read(".github/workflows/x.yml", &text);
        assert_eq!(word(&pipeline), wanted, "{text}\n{pipeline:?}");
    }
    let text = "on: push\njobs:\n  a:\n    steps:\n      - run: |\n          make\n          docker push x\n";
    assert_eq!(read(".github/workflows/x.yml", text).deliveries[0].line, 7);
}

#[test]
fn other_pipelines_are_read_by_their_own_words() {
    for (path, text, wanted) in [
        (
            ".gitlab-ci.yml",
            "a: {script: [make, docker push x]}",
            "delivers",
        ),
        (
            ".gitlab-ci.yml",
            "a: {script: docker push x, when: never}",
            "idle",
        ),
        (
            ".gitlab-ci.yml",
            "a: {script: docker push x, rules: [{when: never}]}",
            "idle",
        ),
        (
            ".gitlab-ci.yml",
            "a: {script: docker push x, only: [merge_requests]}",
            "asked",
        ),
        (".gitlab-ci.yml", ".a: {script: docker push x}", "empty"),
        (
            ".gitlab-ci.yml",
            ".a: {script: docker push x}\nb: {extends: .a}",
            "delivers",
        ),
        (
            ".gitlab-ci.yml",
            "stages: [deploy]\na: {script: echo hello}",
            "idle",
        ),
        (
            ".circleci/config.yml",
            "jobs: {build: {steps: [checkout, {run: {name: deploy, command: make test}}]}}",
            "works",
        ),
        (
            ".circleci/config.yml",
            "jobs: {build: {steps: [{run: {command: kubectl apply -f x}}]}}",
            "delivers",
        ),
        (
            ".circleci/config.yml",
            "jobs: {build: {steps: [checkout, {run: fly deploy}]}}",
            "delivers",
        ),
        (
            ".buildkite/pipeline.yml",
            "steps: [{label: deploy, command: cargo test}]",
            "works",
        ),
        (
            ".buildkite/pipeline.yml",
            "steps: [{commands: [helm upgrade x y], skip: true}]",
            "idle",
        ),
        (
            "azure-pipelines.yml",
            "steps: [{task: Docker@2, inputs: {command: buildAndPush}}]",
            "delivers",
        ),
        (
            "azure-pipelines.yml",
            "steps: [{task: AzureWebApp@1, inputs: {appName: deploy}}, {script: az webapp deploy}]",
            "delivers",
        ),
        (
            "azure-pipelines.yml",
            "steps: [{script: docker push x, condition: false}]",
            "idle",
        ),
        (
            ".drone.yml",
            "steps: [{name: deploy, image: x, commands: [docker push x]}]",
            "delivers",
        ),
        (
            ".drone.yml",
            "steps: [{image: x, commands: [docker push x], when: {event: [pull_request]}}]",
            "asked",
        ),
        (
            "bitbucket-pipelines.yml",
            "pipelines: {default: [{step: {script: [{pipe: atlassian/aws-ecs-deploy:1}]}}]}",
            "delivers",
        ),
        (
            ".travis.yml",
            "script: cargo test\ndeploy: {provider: heroku}",
            "delivers",
        ),
        (".travis.yml", "script: cargo test", "works"),
        (
            ".travis.yml",
            "language: java\nafter_success:\n  - docker push r/x",
            "delivers",
        ),
        (
            "cloudbuild.yaml",
            "steps: [{name: gcr.io/cloud-builders/docker, args: [push, x]}]",
            "delivers",
        ),
        (
            "cloudbuild.yaml",
            "steps: [{name: gcr.io/cloud-builders/docker, args: [build, .]}]",
            "works",
        ),
        (
            "Jenkinsfile",
            "stage('deploy') { steps { sh 'docker push x' } }",
            "delivers",
        ),
        ("Jenkinsfile", "// sh 'docker push x'\nsh \"make\"", "works"),
        (
            "Jenkinsfile",
            "sh(script: '''\n# docker push x\necho docker push x\n''')",
            "idle",
        ),
        ("Jenkinsfile", "stage('deploy') { }", "empty"),
    ] {
        let pipeline = read(path, text);
        assert_eq!(word(&pipeline), wanted, "{path}: {text}\n{pipeline:?}");
    }
}

#[test]
fn a_pipeline_is_a_parts_own_where_its_paths_start_it() {
    let own = |path: &str, text: &str| {
        read(path, text).is_started_by("orders", &["orders/src/a.py", "orders/src/b.py"])
    };
    for text in [
        "on: {push: {paths: ['orders/**']}}\njobs: {}",
        "on: {push: {paths: [./orders/src/**, '!orders/docs/**']}}\njobs: {}",
        "on: push\njobs: {a: {steps: [{uses: dorny/paths-filter@v3, with: {filters: \"o:\\n  - 'orders/**'\"}}]}}",
    ] {
        assert!(own(".github/workflows/x.yml", text), "{text}");
    }
    for text in [
        "on: push\njobs: {}",
        "on: {push: {paths: ['orders-old/**']}}\njobs: {}",
        "on: {push: {paths: ['!orders/**', 'users/**']}}\njobs: {}",
        "on: {push: {}, pull_request: {paths: ['orders/**']}}\njobs: {}",
        "on: push\njobs: {a: {steps: [{run: make orders/x}]}}",
    ] {
        assert!(!own(".github/workflows/x.yml", text), "{text}");
    }
    for (path, text) in [
        (
            ".gitlab-ci.yml",
            "a: {script: x, rules: [{changes: [orders/**/*]}]}",
        ),
        (
            ".gitlab-ci.yml",
            "a: {script: x, rules: [{changes: {paths: [orders/*/*]}}]}",
        ),
        (
            "azure-pipelines.yml",
            "trigger: {paths: {include: [orders/*]}}",
        ),
        ("Jenkinsfile", "when { changeset \"orders/**\" }"),
    ] {
        assert!(own(path, text), "{text}");
    }
}

#[test]
fn a_configuration_beside_scripts_is_no_pipeline() {
    assert!(!is_pipeline(".ci/licences.deny.toml") && !is_pipeline(".ci/run"));
    assert!(is_pipeline(".ci/build.yml") && is_pipeline("orders/.github/workflows/x.yaml"));
}
