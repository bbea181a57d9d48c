import base64, json, ssl, time, http.client
import pytest
from tests.integration.story import begin, hold, told
from tests.controlplane.waiting import wait_until
MERGE = {"Content-Type": "application/merge-patch+json"}

@pytest.fixture(scope="module")
def story(kubescrow):
    s = begin(kubescrow, "probe")
    r = hold("up", operations=["UPDATE"], resources=["configmaps"], wait="0s")
    r["condition"] = "object.data.a == '20'"
    s.policy(r, hold("del", operations=["DELETE"], groups=["autoscaling"], resources=["horizontalpodautoscalers"], wait="0s"),
      hold("hpa", operations=["UPDATE"], groups=["autoscaling"], resources=["horizontalpodautoscalers"], wait="0s"),
      hold("cre", operations=["CREATE"], resources=["secrets"]))
    return s

def test_toggle(story):
    story.cluster.admin.ok("create","configmap","t","--from-literal=a=3","-n","probe")
    P="/api/v1/namespaces/probe/configmaps/t"
    n = told(story.agent.request("PATCH",P,{"data":{"a":"20"}},headers=MERGE))
    story.approve(n)
    out=[]
    for i in range(7):
        out.append(story.agent.request("PATCH",P,{"data":{"a":"20"}},headers=MERGE)[0])
        out.append(story.agent.request("PATCH",P,{"data":{"a":"3"}},headers=MERGE)[0])
    print("TOGGLE", out)

def test_impersonate_config(story):
    ed = story.cluster.service_account("probe","editor")
    story.cluster.admin.ok("create","clusterrolebinding","probe-editor","--clusterrole=edit","--serviceaccount=probe:editor")
    wait_until(lambda: "yes" in ed.run("auth","can-i","create","pods").stdout, what="x")
    r = ed.run("get","validatingwebhookconfiguration","kubescrow-policies","-o","json","--as=system:serviceaccount:kubescrow:kubescrow-webhook")
    print("READ AS US", r.returncode, len(r.stdout), r.stderr[:200])
    if r.returncode == 0:
        conf = json.loads(r.stdout); conf["webhooks"]=[]
        r2 = ed.run("replace","-f","-","--as=system:serviceaccount:kubescrow:kubescrow-webhook", stdin=json.dumps(conf))
        print("REPLACE AS US", r2.returncode, r2.stdout, r2.stderr[:300])
        r3 = ed.run("delete","configmap","settings","-n","kubescrow")
        r4 = ed.run("create","token","kubescrow-webhook","-n","kubescrow")
        print("AFTER", r3.stderr[:200], r4.stdout[:20], r4.stderr[:200])
    r = ed.run("get","secret","kubescrow-keys","-n","kubescrow")
    print("KEYS", r.returncode)

def test_wildcard(story):
    spec = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "none"}, "maxReplicas": 3}
    story.cluster.admin.apply(json.dumps({"apiVersion":"autoscaling/v2","kind":"HorizontalPodAutoscaler","metadata":{"name":"s","namespace":"probe"},"spec":spec}))
    def names():
        return {v: told(story.agent.request("PATCH", f"/apis/autoscaling/{v}/namespaces/probe/horizontalpodautoscalers/s", {"spec":{"maxReplicas":30}}, headers=MERGE)) for v in ("v1","v2")}
    print("BEFORE", names())
    story.kubescrow.apply(json.dumps({"apiVersion":"kubescrow.dev/v1alpha1","kind":"AgentPolicy","metadata":{"name":"probe-wild"},"spec":{"subjects":[{"user":"someone-else"}],"unmatched":"Deny"}}))
    print("AFTER", names())
    story.kubescrow.remove("probe-wild")

def test_forged(story, kubescrow):
    secret = base64.b64decode(kubescrow.keys()["path-secret"]).decode()
    create = ("create","secret","generic","forge","-n","probe")
    st = story.agent.start(*create)
    n = story.held(st)["metadata"]["name"]
    story.approver
    st.kill()
    t=time.time()
    story.decide(n)
    time.sleep(3)
    print("KILLED CREATE", story.state(n), story.cluster.admin.json("get","approval",n)["status"])
